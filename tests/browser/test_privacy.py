"""For somebody who must not be seen: hiding the chat, leaving it, what stays behind. And a copy to keep."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from .conftest import Chat
from .pages import kept, own, watch_leaving, write

REPLIES = ".app-message--helpline"
WEATHER = "https://www.bbc.co.uk/weather"
SECRET = "he reads my telephone"


def talk(page: Page, chat: Chat) -> None:
    page.goto(f"{chat.url}/chat")
    write(page, SECRET)
    expect(page.locator(REPLIES)).to_have_count(1)


def test_leaving_leaves_nothing_in_storage_also_what_was_not_sent(page: Page, chat: Chat) -> None:
    watch_leaving(page)
    talk(page, chat)
    page.route("**/chat/messages", lambda route: route.abort())
    write(page, "an unsent secret")
    assert "an unsent secret" in str(kept(page))
    page.get_by_role("link", name="Leave this page").click()
    page.wait_for_url(WEATHER)
    page.goto(f"{chat.url}/chat")
    assert page.evaluate("[sessionStorage.length, localStorage.length]") == [1, 0]
    assert kept(page) == {"waiting": []}
    expect(page.get_by_text("secret")).to_have_count(0)
    expect(page.get_by_text(SECRET)).to_have_count(0)
    assert page.evaluate("caches.keys()") == [] and page.evaluate("indexedDB.databases()") == []


def test_leaving_empties_the_page_before_anything_is_fetched(page: Page, chat: Chat) -> None:
    talk(page, chat)
    watch_leaving(page)
    page.evaluate(
        """() => window.addEventListener("click", () =>
            console.log("left", document.body.innerText, document.title, JSON.stringify(sessionStorage)))"""
    )
    with page.expect_console_message(lambda said: said.text.startswith("left")) as left:
        page.get_by_role("link", name="Leave this page").click()
    page.wait_for_url(WEATHER)
    assert left.value.text == "left Loading. Loading. {}"


@pytest.mark.parametrize("how", ["button", "HIDE", "hide."])
def test_hiding_blanks_the_page_until_it_is_shown_again(page: Page, chat: Chat, how: str) -> None:
    talk(page, chat)
    if how == "button":
        page.get_by_role("button", name="Hide this chat").click()
    else:
        write(page, how)
    for words in (SECRET, "about:", "Ask about care", "Essex Care Line", "999"):
        expect(page.get_by_text(words).locator("visible=true")).to_have_count(0)
    expect(page).to_have_title("Hidden")
    expect(page.get_by_role("heading", name="Hidden")).to_be_focused()
    expect(page.get_by_role("link", name="Leave this page")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Show it again")).to_be_visible()
    assert SECRET not in page.content()
    page.get_by_role("button", name="Show it again").click()
    own(page, SECRET)
    expect(page.get_by_label("Your message")).to_be_focused()
    expect(page).to_have_title("Ask about care in Essex - Essex Care Line")
    expect(page.get_by_text("HIDE", exact=True).locator("visible=true")).to_have_count(0)
    page.reload()
    own(page, SECRET)


def test_a_page_loaded_again_before_the_server_knows_that_it_is_hidden_stays_hidden(page: Page, chat: Chat) -> None:
    page.route("**/chat/hide", lambda route: route.abort())
    talk(page, chat)
    page.get_by_role("button", name="Hide this chat").click()
    page.reload()
    expect(page.get_by_role("button", name="Show it again")).to_be_visible()
    assert SECRET not in page.content()
    page.get_by_role("button", name="Show it again").click()
    own(page, SECRET)
    expect(page.locator(REPLIES)).to_have_count(1)


def test_hiding_in_a_frame_outlives_a_reload_too(page: Page, chat: Chat) -> None:
    page.goto(f"{chat.url}/chat/embedded")
    write(page, SECRET)
    expect(page.locator(REPLIES)).to_have_count(1)
    page.get_by_role("button", name="Hide this chat").click()
    page.reload()
    expect(page.get_by_role("button", name="Show it again")).to_be_visible()
    expect(page.get_by_text(SECRET)).to_have_count(0)
    page.get_by_role("button", name="Show it again").click()
    own(page, SECRET)


def test_a_reply_that_comes_while_hidden_is_there_when_it_is_shown_again(page: Page, chat: Chat) -> None:
    page.route("**/chat/events*", lambda route: route.abort())
    page.goto(f"{chat.url}/chat")
    write(page, SECRET)
    page.get_by_role("button", name="Hide this chat").click()
    page.unroute("**/chat/events*")
    expect(page.locator(REPLIES)).to_have_count(0)
    page.get_by_role("button", name="Show it again").click()
    expect(page.locator(REPLIES)).to_have_count(1)
    own(page, SECRET)


@pytest.mark.parametrize("where", ["/chat", "/chat/embedded"])
def test_a_copy_is_a_text_file_of_what_is_shown(page: Page, chat: Chat, where: str, tmp_path: Path) -> None:
    page.goto(f"{chat.url}{where}")
    write(page, "first line\nhow do i get a <b>break</b>?")
    expect(page.locator(REPLIES)).to_have_count(1)
    page.get_by_text("Keep a copy of this chat").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Save it as a text file").click()
    assert download.value.suggested_filename == "chat.txt"
    download.value.save_as(tmp_path / "chat.txt")
    copy = (tmp_path / "chat.txt").read_text(encoding="utf-8")
    assert copy.startswith("Ask about care in Essex - Essex Care Line\n\nYou, ")
    assert "\nfirst line\nhow do i get a <b>break</b>?\n\nAutomated helper, " in copy
    assert "Try again" not in copy


def test_print_shows_the_conversation_and_not_the_buttons(page: Page, chat: Chat) -> None:
    page.add_init_script("window.print = () => { window.printed = true; }")
    talk(page, chat)
    page.get_by_text("Keep a copy of this chat").click()
    page.get_by_role("button", name="Print it").click()
    assert page.evaluate("window.printed") is True
    page.emulate_media(media="print")
    expect(page.get_by_text(SECRET, exact=True)).to_be_visible()
    expect(page.get_by_label("Your message")).to_be_hidden()
    expect(page.get_by_role("link", name="Leave this page")).to_be_hidden()


def test_hiding_copying_and_leaving_need_no_javascript(browser: Browser, chat: Chat) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.route(WEATHER, lambda route: route.fulfill(content_type="text/html", body="<h1>Weather</h1>"))
    page.goto(f"{chat.url}/chat")
    write_plainly(page, SECRET)
    expect(page.locator(REPLIES)).to_have_count(1)
    write_plainly(page, "HIDE")
    expect(page.get_by_text(SECRET)).to_have_count(0)
    page.get_by_role("button", name="Show it again").click()
    own(page, SECRET)
    page.get_by_text("Keep a copy of this chat").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Save it as a text file").click()
    assert SECRET in Path(download.value.path()).read_text()
    page.get_by_role("button", name="Hide this chat").click()
    expect(page.get_by_text(SECRET)).to_have_count(0)
    page.get_by_role("link", name="Leave this page").click()
    page.wait_for_url(WEATHER)
    assert context.cookies(chat.url) == []
    context.close()


def write_plainly(page: Page, text: str) -> None:
    page.get_by_label("Your message").fill(text)
    page.get_by_role("button", name="Send").click()
