"""axe over every state that the chat can be in, and what axe cannot see: zoom, contrast modes, motion, target size."""

import threading
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, expect

from helpline.domain.messages import Reply

from .conftest import Chat
from .pages import WCAG, assert_fits, axe_findings, event, fake_stream, message, write

REPLIES = ".app-message--helpline"
POSTS = "**/chat/messages"
ANSWER = (
    "A carer can have an assessment of their own.\n\n- Call 0345 603 7630.\n- See https://www.gov.uk/carers-allowance\n\n"
    "In danger? Call 999."
)
State = Callable[[Page, Chat], None]


def empty(page: Page, chat: Chat) -> None:
    page.goto(f"{chat.url}/chat")
    expect(page.get_by_text("Questions people ask")).to_be_visible()


def waiting(page: Page, chat: Chat) -> None:
    fake_stream(page, [event("typing", {"on": True})])
    page.route(POSTS, lambda route: route.fulfill(status=202, json={"id": route.request.post_data_json["id"]}))
    page.goto(f"{chat.url}/chat")
    write(page, "who pays for care")
    expect(page.get_by_text("Writing a reply")).to_be_visible()


def sending(page: Page, chat: Chat) -> None:
    page.route(POSTS, lambda route: None)
    page.goto(f"{chat.url}/chat")
    write(page, "who pays for care")
    expect(page.get_by_text("Sending", exact=True)).to_be_visible()


def answered_with_buttons(page: Page, chat: Chat) -> None:
    chat.assistant.respond = lambda text: [Reply(ANSWER, ("Yes", "No", "Essex", "Southend-on-Sea"))]
    page.goto(f"{chat.url}/chat")
    write(page, "what help can i get")
    expect(page.get_by_role("button", name="Southend-on-Sea")).to_be_visible()


def loaded_again_with_buttons(page: Page, chat: Chat) -> None:
    answered_with_buttons(page, chat)
    page.reload()
    expect(page.get_by_role("button", name="Southend-on-Sea")).to_be_visible()


def danger(page: Page, chat: Chat) -> None:
    page.goto(f"{chat.url}/chat")
    write(page, "i want to kill myself")
    expect(page.locator(REPLIES)).to_contain_text("999")


def nothing_written(page: Page, chat: Chat) -> None:
    page.goto(f"{chat.url}/chat")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Write a message before you send it")).to_be_visible()


def offline(page: Page, chat: Chat) -> None:
    with page.expect_response("**/chat/events*"):
        page.goto(f"{chat.url}/chat")
    page.wait_for_timeout(500)
    page.context.set_offline(True)
    expect(page.get_by_text("You are not connected.")).to_be_visible()
    write(page, "in a tunnel")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


def refused(status: int, words: str) -> State:
    def state(page: Page, chat: Chat) -> None:
        page.route(POSTS, lambda route: route.fulfill(status=status, json={"error": "refused"}))
        page.goto(f"{chat.url}/chat")
        write(page, "a message")
        expect(page.get_by_text(words).locator("visible=true").first).to_be_visible()

    return state


def a_new_reply_below(page: Page, chat: Chat) -> None:
    stream = [event("message", message(number, "An earlier answer. " * 60)) for number in range(1, 6)]
    fake_stream(page, stream)
    page.goto(f"{chat.url}/chat")
    expect(page.locator(REPLIES)).to_have_count(5)
    page.evaluate("window.scrollTo(0, 0)")
    stream.append(event("message", message(6, "The newest answer.")))
    expect(page.get_by_role("button", name="Go to the new reply")).to_be_visible()


def escape_once(page: Page, chat: Chat) -> None:
    page.goto(f"{chat.url}/chat")
    page.get_by_label("Your message").focus()
    page.keyboard.press("Escape")
    expect(page.get_by_text("Press Escape 2 more times to leave this page.")).to_be_attached()


def hidden(page: Page, chat: Chat) -> None:
    answered_with_buttons(page, chat)
    page.get_by_role("button", name="Hide this chat").click()
    expect(page.get_by_role("button", name="Show it again")).to_be_visible()


def hidden_and_loaded_again(page: Page, chat: Chat) -> None:
    hidden(page, chat)
    page.reload()
    expect(page.get_by_role("button", name="Show it again")).to_be_visible()


def every_detail_open(page: Page, chat: Chat) -> None:
    page.goto(f"{chat.url}/chat")
    for summary in page.locator("summary").all():
        summary.click()
    # Not half under the header that stays in view.
    page.get_by_role("button", name="Print it").evaluate("button => button.scrollIntoView({ block: 'center' })")


def too_many_without_javascript(page: Page, chat: Chat) -> None:
    page.goto(f"{chat.url}/chat")
    page.evaluate(
        """async () => {
            const headers = { "Content-Type": "application/json" };
            for (let at = 0; at < 21; at += 1) {
                await fetch("/chat/messages", { method: "POST", headers, body: "{}" });
            }
            const form = document.querySelector("[data-compose]");
            form.querySelector("textarea").value = "one too many";
            HTMLFormElement.prototype.submit.call(form);
        }"""
    )
    expect(page.get_by_role("heading", name="Your message is not sent yet")).to_be_visible()


def in_a_frame_empty(page: Page, chat: Chat) -> None:
    page.goto(f"{chat.url}/chat/embedded")
    expect(page.get_by_label("Your message")).to_be_visible()


def widget_closed(page: Page, chat: Chat) -> None:
    page.goto(chat.council)
    expect(page.get_by_role("button", name="Ask about care")).to_be_visible()


def widget_loading(page: Page, chat: Chat) -> None:
    page.route("**/chat/embedded", lambda route: None)
    widget_closed(page, chat)
    page.get_by_role("button", name="Ask about care").click()
    expect(page.get_by_text("Loading the chat.")).to_be_visible()


def widget_open(page: Page, chat: Chat) -> None:
    chat.assistant.respond = lambda text: [Reply(ANSWER, ("Yes", "No"))]
    widget_closed(page, chat)
    page.get_by_role("button", name="Ask about care").click()
    frame: FrameLocator = page.frame_locator("iframe")
    expect(frame.get_by_label("Your message")).to_be_focused()
    write(frame, "what help can i get")
    expect(frame.get_by_role("button", name="Yes", exact=True)).to_be_visible()


def widget_hidden(page: Page, chat: Chat) -> None:
    widget_open(page, chat)
    frame = page.frame_locator("iframe")
    frame.get_by_role("button", name="Hide this chat").click()
    expect(frame.get_by_role("button", name="Show it again")).to_be_visible()


STATES: dict[str, State] = {
    state.__name__: state
    for state in (
        empty,
        waiting,
        sending,
        answered_with_buttons,
        loaded_again_with_buttons,
        danger,
        nothing_written,
        offline,
        a_new_reply_below,
        escape_once,
        hidden,
        hidden_and_loaded_again,
        every_detail_open,
        too_many_without_javascript,
        in_a_frame_empty,
        widget_closed,
        widget_loading,
        widget_open,
        widget_hidden,
    )
} | {
    "over_the_limit": refused(429, "You have sent a lot of messages"),
    "too_long": refused(413, "It is too long."),
    "unreadable": refused(400, "Something in it could not be read."),
    "ended": refused(403, "This chat has ended."),
}
SCREENS = {"desktop": (1280, 900), "phone": (375, 667), "zoomed to 400 %": (320, 256)}


@pytest.fixture(params=SCREENS)
def screen(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    width, height = SCREENS[request.param]
    context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
    page = context.new_page()
    yield page
    page.unroute_all(behavior="ignoreErrors")
    context.close()


@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing_in_any_state_on_any_screen(
    screen: Page, chat: Chat, state: str, record_property: Callable[[str, object], None]
) -> None:
    STATES[state](screen, chat)
    found = axe_findings(screen)
    record_property("axe_findings", len(found))
    assert found == [], found
    assert_fits(screen)


def test_the_curtain_of_leaving_is_announced_and_has_nothing_else_on_it(page: Page, chat: Chat) -> None:
    page.goto(f"{chat.url}/chat")
    page.evaluate("window.addEventListener('click', () => console.log('left', document.body.innerHTML))")
    page.route("https://www.bbc.co.uk/weather", lambda route: route.fulfill(body="weather"))
    with page.expect_console_message(lambda said: said.text.startswith("left")) as left:
        page.get_by_role("link", name="Leave this page").click()
    page.wait_for_url("https://www.bbc.co.uk/weather")
    assert left.value.text == 'left <div class="govuk-exit-this-page-overlay" role="alert">Loading.</div>'


def test_every_button_is_at_least_44_pixels_high(screen: Page, chat: Chat) -> None:
    answered_with_buttons(screen, chat)
    for summary in screen.locator("summary").all():
        summary.click()
    small = screen.evaluate(
        """() => [...document.querySelectorAll("button, textarea, .govuk-button, .app-button-plain")]
            .filter((element) => element.checkVisibility())
            .map((element) => [element.textContent.trim(), element.getBoundingClientRect()])
            .filter(([, box]) => Math.round(box.height) < 44 || Math.round(box.width) < 44)
            .map(([text, box]) => `${text}: ${box.width} x ${box.height}`)"""
    )
    assert small == []


def test_nothing_moves_for_who_wants_no_motion(browser: Browser, chat: Chat) -> None:
    for motion, moves in (("reduce", False), ("no-preference", True)):
        context: BrowserContext = browser.new_context(reduced_motion=motion)  # type: ignore[arg-type]
        page = context.new_page()
        waiting(page, chat)
        running = page.evaluate("document.getAnimations().filter((one) => one.playState === 'running').length > 0")
        assert running is moves
        context.close()


def test_the_chat_can_be_used_in_forced_colours(browser: Browser, chat: Chat) -> None:
    context = browser.new_context(forced_colors="active", color_scheme="dark", reduced_motion="reduce")
    page = context.new_page()
    answered_with_buttons(page, chat)
    # Colours are the reader's own there, so that edges have to be drawn. (axe takes any page for a white one.)
    for edge in (".app-message__text", ".app-compose__send", ".app-compose__text", ".app-button-plain"):
        border = page.locator(edge).first.evaluate("element => getComputedStyle(element).borderTopStyle")
        assert border == "solid", edge
    context.close()


def test_the_keyboard_alone_can_do_everything_in_the_order_of_the_page(page: Page, chat: Chat) -> None:
    answered_with_buttons(page, chat)
    # Where a page begins for the keyboard; the message box had the focus.
    page.evaluate("document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex')")
    names: list[str] = []
    for _ in range(30):
        page.keyboard.press("Tab")
        name = page.evaluate("document.activeElement.textContent.trim().replace(/\\s+/g, ' ')")
        shown = page.evaluate(
            """() => { const style = getComputedStyle(document.activeElement);
                return style.outlineStyle !== "none" || style.boxShadow !== "none"; }"""
        )
        if page.evaluate("document.activeElement === document.body"):
            break
        assert shown, name
        names.append(name)
    for wanted in ("Skip to main content", "Hide this chat", "Leave this page", "Yes", "Southend-on-Sea", "Send"):
        assert wanted in names, names
    assert names.index("Leave this page") < names.index("Yes") < names.index("Send")


def test_a_screen_reader_is_told_of_replies_and_of_the_state_of_things(page: Page, chat: Chat) -> None:
    thought = threading.Event()

    def think(text: str) -> list[Reply]:
        thought.wait(20)
        return [Reply("Here it is.")]

    chat.assistant.respond = think
    page.goto(f"{chat.url}/chat")
    log = page.get_by_role("log", name="Your conversation")
    expect(log).to_have_attribute("aria-live", "polite")
    expect(page.get_by_label("Your message")).to_have_accessible_description(
        "Press Enter to send, or Shift and Enter for a new line."
    )
    write(page, "hello")
    expect(page.get_by_role("status").filter(has_text="Writing a reply")).to_be_visible()
    thought.set()
    expect(log.locator(REPLIES)).to_contain_text("Automated helper")


def test_the_rules_that_are_asked_of_axe_are_those_of_wcag_22_aa() -> None:
    assert {"wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"} <= set(WCAG)
