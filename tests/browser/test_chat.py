"""The web chat page, used as a person uses it."""

import re
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from .conftest import Chat
from .pages import (
    accept_posts,
    assert_accessible,
    assert_fits,
    event,
    fake_stream,
    message,
    own,
    watch_leaving,
)

REPLIES = ".app-message--helpline"
WEATHER = "https://www.bbc.co.uk/weather"


def test_first_screen_says_what_it_is_and_what_to_do_in_an_emergency(page: Page, chat: Chat) -> None:
    page.goto(f"{chat.url}/chat")
    expect(page.get_by_text("automated helper, not a person")).to_be_in_viewport()
    expect(page.get_by_text("Nobody is watching this chat")).to_be_in_viewport()
    emergency = page.locator(".govuk-warning-text").get_by_role("link", name="999")
    expect(emergency).to_have_attribute("href", "tel:999")
    log = page.get_by_role("log")
    expect(log).to_have_attribute("aria-live", "polite")
    assert_accessible(page)


def test_the_whole_product_answers_in_the_chat(page: Page, live_url: str) -> None:
    page.goto(f"{live_url}/chat")
    page.get_by_role("button", name="Who pays for care at home?").click()
    expect(page.locator(REPLIES).first).to_be_visible()
    own(page, "Who pays for care at home?")


def test_enter_sends_and_shift_enter_starts_a_line(page: Page, chat: Chat) -> None:
    page.goto(f"{chat.url}/chat")
    box = page.get_by_label("Your message")
    box.press_sequentially("hello")
    box.press("Shift+Enter")
    box.press_sequentially("mum keeps falling")
    box.press("Enter")
    own(page, "hello\nmum keeps falling")
    expect(box).to_have_value("")
    expect(box).to_be_focused()
    expect(page.locator(REPLIES).first).to_be_visible()
    expect(page.get_by_text("Sending", exact=True)).to_be_hidden()
    own(page, "hello\nmum keeps falling")
    assert_accessible(page)


def test_conversation_is_there_after_a_reload(page: Page, chat: Chat) -> None:
    page.goto(f"{chat.url}/chat")
    page.get_by_role("button", name="Who pays for care at home?").click()
    expect(page.locator(REPLIES).first).to_be_visible()
    before = page.locator(REPLIES).first.locator("[data-part=text]").inner_text()
    page.reload()
    own(page, "Who pays for care at home?")
    expect(page.locator(REPLIES).first.locator("[data-part=text]")).to_have_text(before, use_inner_text=True)
    expect(page.get_by_text("Questions people ask")).to_have_count(0)


def test_nothing_is_sent_when_nothing_is_written(page: Page, chat: Chat) -> None:
    posts = accept_posts(page)
    page.goto(f"{chat.url}/chat")
    box = page.get_by_label("Your message")
    box.fill("  \n ")
    page.get_by_role("button", name="Send").click()
    expect(box).to_have_accessible_description(re.compile(r"Error:\s+Write a message before you send it"))
    expect(box).to_be_focused()
    assert posts == []
    assert_accessible(page)
    box.press_sequentially("h")
    expect(page.get_by_text("Write a message before you send it")).to_be_hidden()


def test_a_message_is_shown_once_however_often_it_arrives(page: Page, chat: Chat) -> None:
    posts = accept_posts(page)
    stream: list[str] = []
    fake_stream(page, stream)
    page.goto(f"{chat.url}/chat")
    page.get_by_label("Your message").fill("twice?")
    with page.expect_response("**/chat/messages"):
        page.keyboard.press("Enter")
    own(page, "twice?")
    mine = event("message", message(5, "twice?", "you", client_id=posts[0]["id"]))
    stream += [mine, event("message", message(6, "Once.")), mine, event("message", message(6, "Once."))]
    expect(page.locator(REPLIES)).to_have_count(1)
    with page.expect_request("**/chat/events?after=*"):
        page.evaluate("window.dispatchEvent(new Event('online'))")
    page.wait_for_timeout(1000)
    expect(page.locator(REPLIES)).to_have_count(1)
    own(page, "twice?")


def test_choices_are_buttons_that_send_what_they_say(page: Page, chat: Chat) -> None:
    posts = accept_posts(page)
    fake_stream(page, [event("message", message(3, "Which area?", options=["Essex", "Thurrock"]))])
    page.goto(f"{chat.url}/chat")
    choice = page.get_by_role("button", name="Thurrock")
    box = choice.bounding_box()
    assert box is not None and box["height"] >= 44
    assert_accessible(page)
    with page.expect_response("**/chat/messages"):
        choice.click()
    own(page, "Thurrock")
    expect(choice).to_have_count(0)
    expect(page.get_by_role("log")).to_be_focused()
    assert [post["text"] for post in posts] == ["Thurrock"]


def test_typing_is_shown_until_the_reply_comes(page: Page, chat: Chat) -> None:
    stream = [event("typing", {"on": True})]
    fake_stream(page, stream)
    page.goto(f"{chat.url}/chat")
    expect(page.get_by_text("Writing a reply")).to_be_visible()
    stream[:] = [event("message", message(1, "Here it is."))]
    expect(page.locator(REPLIES)).to_have_count(1)
    expect(page.get_by_text("Writing a reply")).to_be_hidden()


def test_an_unsent_message_is_tried_again_under_the_same_id(page: Page, chat: Chat) -> None:
    fake_stream(page, [])
    ids: list[str] = []

    def refuse(route: Route) -> None:
        posted: Any = route.request.post_data_json
        ids.append(posted["id"])
        route.abort()

    page.route("**/chat/messages", refuse)
    page.goto(f"{chat.url}/chat")
    page.get_by_label("Your message").fill("please arrive")
    page.keyboard.press("Enter")
    again = page.get_by_role("button", name="Try again")
    expect(again).to_be_visible()
    assert_accessible(page)
    page.unroute("**/chat/messages")
    posts = accept_posts(page)
    with page.expect_response("**/chat/messages"):
        again.click()
    expect(again).to_be_hidden()
    own(page, "please arrive")
    assert {posts[0]["id"]} == set(ids) and len(ids) > 1


def test_a_message_that_is_too_long_can_be_shortened(page: Page, chat: Chat) -> None:
    fake_stream(page, [])
    page.route("**/chat/messages", lambda route: route.fulfill(status=413, json={"error": "too long"}))
    page.goto(f"{chat.url}/chat")
    page.get_by_label("Your message").fill("a very long story")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Make it shorter").click()
    expect(page.get_by_label("Your message")).to_have_value("a very long story")
    expect(page.locator(".app-message--you")).to_have_count(0)


def test_a_lost_connection_is_said_and_mended(context: BrowserContext, page: Page, chat: Chat) -> None:
    with page.expect_response("**/chat/events*"):
        page.goto(f"{chat.url}/chat")
    page.wait_for_timeout(500)
    context.set_offline(True)
    expect(page.get_by_text("You are not connected.")).to_be_visible()
    page.get_by_label("Your message").fill("sent in a tunnel")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    context.set_offline(False)
    expect(page.get_by_text("You are connected again.")).to_be_visible()
    expect(page.get_by_text("You are not connected.")).to_be_hidden()
    expect(page.locator(REPLIES).first).to_be_visible()
    own(page, "sent in a tunnel")


def test_the_stream_comes_back_after_the_server_answered_with_an_error(page: Page, chat: Chat) -> None:
    page.route("**/chat/events*", lambda route: route.fulfill(status=503, body="restarting"))
    page.goto(f"{chat.url}/chat")
    expect(page.get_by_text("You are not connected.")).to_be_visible()
    page.unroute("**/chat/events*")
    expect(page.get_by_text("You are connected again.")).to_be_visible()


def test_only_telephone_numbers_and_trusted_pages_become_links(page: Page, chat: Chat) -> None:
    text = (
        "<img src=x onerror=alert(1)> Call 0345 603 7630, +44 1702 215008, NHS 111 or 999. "
        "Samaritans 116 123.\n\n"
        "£111.20, 101 people, 24/11/2026, text SHOUT to 85258, 111.nhs.uk, javascript:alert(1)\n\n"
        "- https://www.gov.uk/blue-badge.\n- https://111.nhs.uk/\n- http://www.gov.uk\n"
        "- https://gov.uk.evil.com/gov.uk\n"
        "- https://gov.uk@evil.com\n- https://evil.com/?https://www.gov.uk"
    )
    fake_stream(page, [event("message", message(1, text))])
    page.goto(f"{chat.url}/chat")
    reply = page.locator(REPLIES).locator("[data-part=text]")
    expect(reply.locator("li")).to_have_count(6)
    hrefs = reply.locator("a").evaluate_all("links => links.map((link) => link.getAttribute('href'))")
    assert hrefs == [
        "tel:03456037630",
        "tel:+441702215008",
        "tel:111",
        "tel:999",
        "tel:116123",
        "https://www.gov.uk/blue-badge",
        "https://111.nhs.uk/",
    ]
    assert reply.locator("img, script").count() == 0
    expect(reply).to_contain_text("<img src=x onerror=alert(1)>")


def test_the_persons_own_words_are_never_links(page: Page, chat: Chat) -> None:
    accept_posts(page)
    page.goto(f"{chat.url}/chat")
    page.get_by_label("Your message").fill("<b>call</b> 0345 603 7630 https://www.gov.uk")
    page.keyboard.press("Enter")
    own(page, "<b>call</b> 0345 603 7630 https://www.gov.uk")
    assert page.locator(".app-message--you [data-part=text]").locator("a, b").count() == 0


def test_leave_this_page_ends_the_chat_and_takes_its_place(page: Page, chat: Chat) -> None:
    left = watch_leaving(page)
    page.goto(f"{chat.url}/chat")
    page.get_by_label("Your message").fill("something secret")
    page.keyboard.press("Enter")
    expect(page.locator(REPLIES).first).to_be_visible()
    page.get_by_role("link", name="Leave this page").click()
    page.wait_for_url(WEATHER)
    assert left == ["POST"]
    page.go_back()
    assert "/chat" not in page.url
    page.goto(f"{chat.url}/chat")
    expect(page.get_by_text("something secret")).to_have_count(0)


def test_escape_three_times_leaves(page: Page, chat: Chat) -> None:
    left = watch_leaving(page)
    page.goto(f"{chat.url}/chat")
    page.get_by_label("Your message").focus()
    page.keyboard.press("Escape")
    expect(page.get_by_text("Press Escape 2 more times to leave this page.")).to_be_attached()
    page.keyboard.press("Escape")
    assert page.url.endswith("/chat")
    page.keyboard.press("Escape")
    page.wait_for_url(WEATHER)
    assert left == ["POST"]


def test_small_screens_and_long_words_fit(browser: Browser, chat: Chat) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 256})
    page = context.new_page()
    accept_posts(page)
    fake_stream(page, [event("message", message(1, "y" * 120, options=["z" * 60, "Essex"]))])
    page.goto(f"{chat.url}/chat")
    expect(page.locator(REPLIES)).to_have_count(1)
    page.get_by_label("Your message").fill("x" * 200)
    page.keyboard.press("Enter")
    assert_fits(page)
    assert_accessible(page)
    leave = page.get_by_role("link", name="Leave this page")
    expect(leave).to_be_in_viewport()
    context.close()


def test_it_works_without_javascript(browser: Browser, chat: Chat) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{chat.url}/chat")
    page.get_by_label("Your message").fill("mum keeps falling")
    page.get_by_role("button", name="Send").click()
    own(page, "mum keeps falling")
    for _ in range(30):
        if page.locator(REPLIES).count():
            break
        page.wait_for_timeout(1000)
        page.get_by_role("button", name="Check for new replies").click()
    expect(page.locator(REPLIES).first).to_be_visible()
    own(page, "mum keeps falling")
    context.close()


def test_a_reader_who_scrolled_up_is_told_of_a_new_reply(page: Page, chat: Chat) -> None:
    stream = [event("message", message(number, "An earlier answer. " * 60)) for number in range(1, 6)]
    fake_stream(page, stream)
    page.goto(f"{chat.url}/chat")
    expect(page.locator(REPLIES)).to_have_count(5)
    page.evaluate("window.scrollTo(0, 0)")
    stream.append(event("message", message(6, "The newest answer.")))
    newer = page.get_by_role("button", name="Go to the new reply")
    expect(newer).to_be_visible()
    expect(page.get_by_text("The newest answer.")).not_to_be_in_viewport()
    newer.click()
    expect(page.get_by_text("The newest answer.")).to_be_in_viewport()
    expect(newer).to_be_hidden()


def test_what_has_the_focus_is_never_under_the_header_or_the_compose_box(browser: Browser, chat: Chat) -> None:
    context = browser.new_context(viewport={"width": 375, "height": 740}, reduced_motion="reduce")
    page = context.new_page()
    fake_stream(page, [event("message", message(1, "Call 0345 603 7630 about this, or read on. " * 40))])
    page.goto(f"{chat.url}/chat")
    expect(page.locator(REPLIES).get_by_role("link")).to_have_count(40)
    page.get_by_role("log").focus()
    for key in ["Tab"] * 40 + ["Shift+Tab"] * 39:
        page.keyboard.press(key)
        page.wait_for_timeout(40)
        assert page.evaluate(
            """() => {
                const focused = document.activeElement.getBoundingClientRect();
                const header = document.querySelector("header").getBoundingClientRect();
                const compose = document.querySelector("[data-compose-area]").getBoundingClientRect();
                return focused.top >= header.bottom && focused.bottom <= compose.top;
            }"""
        )
    context.close()
