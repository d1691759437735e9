"""The chat on a council's page: one script tag, a button, and the chat in a frame of another site."""

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from .conftest import Chat
from .pages import assert_accessible, assert_fits, watch_leaving, write

REPLIES = ".app-message--helpline"
WEATHER = "https://www.bbc.co.uk/weather"


def launcher(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


def open_widget(page: Page, chat: Chat) -> FrameLocator:
    """Opens it with the keyboard, as it is on the council's page, and waits until the chat has the focus."""
    page.goto(chat.council)
    page.get_by_role("button", name="Ask about care").focus()
    page.keyboard.press("Enter")
    frame = launcher(page)
    expect(frame.get_by_label("Your message")).to_be_focused()
    return frame


def test_one_script_tag_puts_a_button_on_the_page_and_loads_nothing_else(page: Page, chat: Chat) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(chat.council)
    button = page.get_by_role("button", name="Ask about care")
    box = button.bounding_box()
    assert box is not None and box["height"] >= 44 and box["width"] >= 44
    assert [url for url in asked if url.startswith(chat.url)] == [f"{chat.url}/chat/widget.js"]
    assert page.context.cookies() == []
    assert_accessible(page)


def test_a_question_is_asked_and_answered_in_the_frame(page: Page, chat: Chat) -> None:
    frame = open_widget(page, chat)
    page.keyboard.type("who pays for care")
    page.keyboard.press("Enter")
    expect(frame.locator(REPLIES)).to_contain_text("about: who pays for care")
    assert_accessible(page)


def test_the_talk_goes_on_over_a_reload_and_on_another_page_of_the_site(page: Page, chat: Chat) -> None:
    frame = open_widget(page, chat)
    write(frame, "remember me")
    expect(frame.locator(REPLIES)).to_have_count(1)
    page.goto(f"{chat.council}/other")
    expect(page.locator("iframe")).to_have_count(0)
    page.get_by_role("button", name="Ask about care").click()
    expect(launcher(page).get_by_text("remember me", exact=True)).to_have_count(1)
    expect(launcher(page).locator(REPLIES)).to_have_count(1)


def test_escape_in_the_chat_closes_it_and_the_button_has_the_focus_again(page: Page, chat: Chat) -> None:
    frame = open_widget(page, chat)
    write(frame, "hello")
    expect(frame.locator(REPLIES)).to_have_count(1)
    page.keyboard.press("Escape")
    button = page.get_by_role("button", name="Ask about care")
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "false")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_accessible_name("Essex Care Line chat")
    expect(frame.get_by_label("Your message")).to_be_focused()
    expect(frame.locator(REPLIES)).to_have_count(1)


def test_the_close_button_closes_it_too_and_the_keyboard_reaches_it(page: Page, chat: Chat) -> None:
    open_widget(page, chat)
    page.get_by_role("button", name="Close the chat").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Ask about care")).to_be_focused()


def test_beside_a_page_the_keyboard_can_leave_the_chat_and_come_back(page: Page, chat: Chat) -> None:
    open_widget(page, chat)
    for _ in range(30):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.matches('a')"):
            break
    expect(page.get_by_role("link", name="Another page")).to_be_focused()


def test_leaving_from_the_frame_takes_the_whole_page_away(page: Page, chat: Chat) -> None:
    watch_leaving(page)
    frame = open_widget(page, chat)
    write(frame, "a secret")
    own_in(frame, "a secret")
    frame.get_by_role("link", name="Leave this page").click()
    page.wait_for_url(WEATHER)
    page.go_back()
    assert not page.url.startswith(chat.council)
    assert_forgotten(page, chat)


def test_escape_three_times_leaves_wherever_the_focus_is(page: Page, chat: Chat) -> None:
    watch_leaving(page)
    frame = open_widget(page, chat)
    write(frame, "a secret")
    own_in(frame, "a secret")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Ask about care")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.wait_for_url(WEATHER)
    assert_forgotten(page, chat)


def own_in(frame: FrameLocator, text: str) -> None:
    expect(frame.locator(".app-message--you [data-part=text]").filter(has_text=text)).to_have_count(1)
    expect(frame.locator(REPLIES)).to_have_count(1)


def assert_forgotten(page: Page, chat: Chat) -> None:
    frame = open_widget(page, chat)
    expect(frame.get_by_text("Questions people ask")).to_be_visible()
    expect(frame.get_by_text("a secret")).to_have_count(0)


def test_escape_on_a_page_where_the_chat_was_never_opened_does_nothing(page: Page, chat: Chat) -> None:
    page.goto(chat.council)
    expect(page.get_by_role("button", name="Ask about care")).to_be_visible()
    for _ in range(4):
        page.keyboard.press("Escape")
    page.wait_for_timeout(600)
    assert page.url.startswith(chat.council)


@pytest.mark.parametrize(("width", "height"), [(320, 256), (375, 667), (844, 390)])
def test_on_a_small_screen_the_chat_covers_all_of_it_and_keeps_the_focus(
    browser: Browser, chat: Chat, width: int, height: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
    page = context.new_page()
    frame = open_widget(page, chat)
    box = page.get_by_role("dialog").bounding_box()
    assert box == {"x": 0, "y": 0, "width": width, "height": height}
    assert page.evaluate("document.querySelector('[data-helpline-chat]').shadowRoot.querySelector('dialog:modal')")
    write(frame, "who pays for care")
    expect(frame.locator(REPLIES)).to_have_count(1)
    expect(page.get_by_role("button", name="Close the chat")).to_be_in_viewport()
    expect(frame.get_by_role("link", name="Leave this page")).to_be_in_viewport()
    assert_fits(page)
    assert_accessible(page)
    context.close()


def test_a_chat_that_cannot_be_reached_says_whom_to_call_and_is_tried_again(page: Page, chat: Chat) -> None:
    page.clock.install()
    page.route("**/chat/embedded", lambda route: route.abort())
    page.goto(chat.council)
    page.get_by_role("button", name="Ask about care").click()
    expect(page.get_by_text("Loading the chat.")).to_be_visible()
    page.clock.fast_forward(10_500)
    expect(page.get_by_text("The chat cannot be reached at the moment.")).to_be_visible()
    expect(page.get_by_role("link", name="In an emergency, call 999.")).to_have_attribute("href", "tel:999")
    assert_accessible(page)
    page.get_by_role("button", name="Close the chat").click()
    page.unroute("**/chat/embedded")
    page.get_by_role("button", name="Ask about care").click()
    expect(launcher(page).get_by_label("Your message")).to_be_focused()
    expect(page.get_by_text("The chat cannot be reached at the moment.")).to_be_hidden()


def test_a_site_that_was_not_named_cannot_show_the_chat(context_of_stranger: Page, chat: Chat) -> None:
    page = context_of_stranger
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if "frame-ancestors" in message.text else None)
    page.goto(f"{chat.council.replace('localhost', '127.0.0.1')}/")
    page.get_by_role("button", name="Ask about care").click()
    page.wait_for_timeout(1500)
    expect(launcher(page).get_by_label("Your message")).to_have_count(0)
    assert refused


@pytest.fixture
def context_of_stranger(browser: Browser) -> Page:
    """A page whose console may speak of the content policy: here it must."""
    return browser.new_context().new_page()


def test_a_stranger_page_cannot_make_the_launcher_leave(page: Page, chat: Chat) -> None:
    open_widget(page, chat)
    for what in ("leave", "escape", "forgotten"):
        page.evaluate("what => window.postMessage({ helpline: what }, '*')", what)
    page.wait_for_timeout(600)
    assert page.url.startswith(chat.council)
    expect(page.get_by_role("dialog")).to_be_visible()


def test_two_script_tags_make_one_button(page: Page, chat: Chat) -> None:
    page.goto(chat.council)
    expect(page.get_by_role("button", name="Ask about care")).to_have_count(1)
    page.add_script_tag(url=f"{chat.url}/chat/widget.js?again")
    page.wait_for_timeout(300)
    expect(page.get_by_role("button", name="Ask about care")).to_have_count(1)


def test_turning_the_screen_keeps_the_chat_and_its_words(page: Page, chat: Chat) -> None:
    frame = open_widget(page, chat)
    frame.get_by_label("Your message").fill("half a sent")
    page.set_viewport_size({"width": 390, "height": 700})
    page.wait_for_timeout(300)
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(frame.get_by_label("Your message")).to_have_value("half a sent")
