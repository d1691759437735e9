"""The phone simulator page: a pretend phone in front of the real endpoint."""

import re
from random import sample
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from .pages import assert_accessible, assert_fits

REPLIES = ".app-sms--helpline"
SENT = ".app-sms--you"
# Numbers that are kept for drama. No two tests use the same: each needs somebody who has not texted before.
PEOPLE = iter([f"+447700900{last:03}" for last in sample(range(1000), 1000)])


@pytest.fixture
def phone(page: Page, live_url: str) -> Page:
    """The page, as somebody who has not texted before."""
    page.goto(f"{live_url}/simulator?phone={quote(next(PEOPLE))}")
    return page


def test_a_text_is_answered_with_its_parts_and_state(phone: Page) -> None:
    phone.get_by_label("Text message").fill("mum keeps falling")
    phone.keyboard.press("Enter")
    expect(phone.locator(SENT)).to_have_count(1)
    reply = phone.locator(REPLIES).first
    expect(reply).to_contain_text(re.compile(r"\d segments?, (GSM-7|UCS-2)"))
    expect(reply.locator("[data-part=state]")).not_to_be_empty()
    expect(phone.locator(SENT)).to_have_count(1)
    expect(phone.get_by_text("200 accepted")).to_be_visible()
    assert_accessible(phone)


def test_the_same_text_five_times_gets_one_reply(phone: Page) -> None:
    phone.get_by_role("button", name="The same text 5 times").click()
    expect(phone.get_by_text("200 accepted, 5 times")).to_be_visible()
    expect(phone.locator(REPLIES).first).to_be_visible()
    phone.wait_for_timeout(3000)
    expect(phone.locator(REPLIES)).to_have_count(1)
    expect(phone.locator(SENT)).to_have_count(1)


def test_a_forged_signature_is_refused_and_not_kept(phone: Page) -> None:
    phone.get_by_role("button", name="A forged signature").click()
    expect(phone.get_by_text("403 refused")).to_be_visible()
    expect(phone.get_by_text("refused by the helpline")).to_be_visible()
    phone.reload()
    phone.wait_for_timeout(2000)
    expect(phone.locator(".app-sms")).to_have_count(0)


@pytest.mark.parametrize("trouble", ["An empty text", "A picture (MMS)"])
def test_a_text_without_words_is_answered(phone: Page, trouble: str) -> None:
    phone.get_by_role("button", name=trouble).click()
    expect(phone.locator(REPLIES).first).to_be_visible()
    expect(phone.locator(SENT)).to_have_count(1)


def test_another_number_starts_with_an_empty_phone(phone: Page) -> None:
    phone.get_by_label("Text message").fill("hello")
    phone.keyboard.press("Enter")
    expect(phone.locator(REPLIES).first).to_be_visible()
    phone.get_by_label("Pretend phone number").fill("07000 1")
    phone.keyboard.press("Enter")
    expect(phone.get_by_label("Pretend phone number")).to_have_attribute("aria-invalid", "true")
    assert_accessible(phone)
    after = next(PEOPLE)
    phone.get_by_label("Pretend phone number").fill(after)
    phone.keyboard.press("Enter")
    expect(phone.locator(".app-sms")).to_have_count(0)
    assert after[1:] in phone.url


def test_small_screens_fit(browser: Browser, live_url: str) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 256})
    page = context.new_page()
    page.goto(f"{live_url}/simulator")
    assert_fits(page)
    assert_accessible(page)
    context.close()
