"""A message is neither lost nor doubled, whatever happens to the page or the line."""

import threading

import pytest
from playwright.sync_api import Page, Route, expect

from helpline.domain.messages import Reply

from .conftest import Chat
from .pages import accept_posts, event, fake_stream, kept, message, own, write

REPLIES = ".app-message--helpline"
POSTS = "**/chat/messages"


@pytest.mark.parametrize("where", ["/chat", "/chat/embedded"])
def test_a_message_that_could_not_be_sent_is_sent_after_a_reload(page: Page, chat: Chat, where: str) -> None:
    page.route(POSTS, lambda route: route.abort())
    page.goto(f"{chat.url}{where}")
    write(page, "please do not lose me")
    own(page, "please do not lose me")
    page.reload()
    own(page, "please do not lose me")
    page.unroute(POSTS)
    page.reload()
    expect(page.locator(REPLIES)).to_have_count(1)
    own(page, "please do not lose me")
    assert kept(page).get("waiting") == []


@pytest.mark.parametrize("where", ["/chat", "/chat/embedded"])
def test_a_message_whose_answer_was_lost_is_not_doubled_by_a_reload(page: Page, chat: Chat, where: str) -> None:
    def lose_the_answer(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/chat/events*", lambda route: route.abort())
    page.route(POSTS, lose_the_answer)
    page.goto(f"{chat.url}{where}")
    write(page, "did it arrive")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    page.unroute(POSTS)
    page.unroute("**/chat/events*")
    page.reload()
    expect(page.locator(REPLIES)).to_have_count(1)
    own(page, "did it arrive")
    page.reload()
    expect(page.locator(REPLIES)).to_have_count(1)
    own(page, "did it arrive")


def test_several_messages_written_without_a_line_arrive_in_their_order(page: Page, chat: Chat) -> None:
    words = ["first", "second", "third"]
    page.route(POSTS, lambda route: route.abort())
    page.goto(f"{chat.url}/chat")
    for word in words:
        write(page, word)
    page.reload()
    page.unroute(POSTS)
    page.reload()
    expect(page.locator(REPLIES)).to_have_count(3)
    page.reload()
    shown = page.locator(".app-message--you [data-part=text]")
    expect(shown).to_have_text(words)


def test_history_that_comes_after_an_unsent_message_stands_before_it(page: Page, chat: Chat) -> None:
    page.route(POSTS, lambda route: route.abort())
    fake_stream(
        page, [event("message", message(1, "an old question", "you")), event("message", message(2, "an old answer"))]
    )
    page.goto(f"{chat.url}/chat/embedded")
    expect(page.locator(REPLIES)).to_have_count(1)
    write(page, "not sent yet")
    page.reload()
    shown = page.locator("[data-log] [data-part=text]")
    expect(shown).to_have_text(["an old question", "an old answer", "not sent yet"])


def test_the_chat_in_a_frame_is_the_same_after_a_reload(page: Page, chat: Chat) -> None:
    page.goto(f"{chat.url}/chat/embedded")
    write(page, "who pays for care")
    expect(page.locator(REPLIES)).to_have_count(1)
    page.reload()
    expect(page.locator(REPLIES)).to_have_count(1)
    own(page, "who pays for care")


def test_another_tab_of_the_same_browser_shows_the_same_talk(page: Page, chat: Chat) -> None:
    for where in ("/chat/embedded", "/chat"):
        page.goto(f"{chat.url}{where}")
        write(page, "mine alone")
        expect(page.locator(REPLIES)).to_have_count(1)
        other = page.context.new_page()
        with other.expect_response("**/chat/events*"):
            other.goto(f"{chat.url}{where}")
        expect(other.get_by_text("mine alone", exact=True)).to_have_count(1)
        other.close()


def test_a_session_that_has_ended_says_so_and_keeps_what_was_written(page: Page, chat: Chat) -> None:
    page.goto(f"{chat.url}/chat/embedded")
    write(page, "hello")
    expect(page.locator(REPLIES)).to_have_count(1)
    page.evaluate("sessionStorage.setItem('chat', JSON.stringify({ token: 'nonsense' }))")
    page.reload()
    expect(page.get_by_text("This chat has ended.").first).to_be_visible()
    write(page, "still here?")
    expect(page.get_by_text("Not sent. This chat has ended.")).to_be_visible()
    page.get_by_role("link", name="Start a new chat").click()
    expect(page.locator(REPLIES)).to_have_count(1)
    own(page, "still here?")


def test_a_message_over_the_limit_is_sent_by_itself_when_it_may(page: Page, chat: Chat) -> None:
    refused = threading.Event()

    def refuse_once(route: Route) -> None:
        if refused.is_set():
            route.continue_()
        else:
            refused.set()
            route.fulfill(status=429, headers={"Retry-After": "2"}, json={"error": "too many"})

    page.route(POSTS, refuse_once)
    page.goto(f"{chat.url}/chat")
    write(page, "quick quick")
    expect(page.get_by_text("You have sent a lot of messages")).to_be_visible()
    expect(page.locator(".app-message--you").get_by_role("link", name="999")).to_be_visible()
    expect(page.locator(REPLIES)).to_have_count(1)
    expect(page.get_by_text("You have sent a lot of messages")).to_be_hidden()
    own(page, "quick quick")


def test_typing_shows_while_the_assistant_thinks_and_goes_with_its_answer(page: Page, chat: Chat) -> None:
    thought = threading.Event()

    def think(text: str) -> list[Reply]:
        thought.wait(20)
        return [Reply("Here it is.", ("Yes", "No"))]

    chat.assistant.respond = think
    page.goto(f"{chat.url}/chat")
    write(page, "a hard question")
    expect(page.get_by_text("Writing a reply")).to_be_visible()
    thought.set()
    expect(page.get_by_role("button", name="Yes", exact=True)).to_be_visible()
    expect(page.get_by_text("Writing a reply")).to_be_hidden()


def test_without_storage_the_chat_still_works(page: Page, chat: Chat) -> None:
    page.add_init_script(
        "Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('no', 'SecurityError'); } })"
    )
    for where in ("/chat", "/chat/embedded"):
        page.goto(f"{chat.url}{where}")
        write(page, "no storage here")
        own(page, "no storage here")
        expect(page.locator(REPLIES).first).to_be_visible()


def test_nothing_but_the_messages_is_posted(page: Page, chat: Chat) -> None:
    posts = accept_posts(page)
    page.goto(f"{chat.url}/chat")
    with page.expect_response(POSTS):
        write(page, "only this")
    assert [sorted(post) for post in posts] == [["id", "text"]]
