"""Answers to the twin's challenge page, in the frame that the 3-D Secure component shows."""

from __future__ import annotations

from playwright.sync_api import FrameLocator, Page


def answer_challenge(page: Page, code: str = "1234") -> None:
    frame = challenge_frame(page)
    frame.locator("input[name=code]").fill(code)
    frame.locator("button[value=submit]").click()


def answer_challenge_wrongly(page: Page) -> None:
    """Waits for the next question: a code that is typed before it arrives is lost."""
    answer_challenge(page, "9999")
    challenge_frame(page).get_by_text("This code is wrong.").wait_for()


def challenge_frame(page: Page) -> FrameLocator:
    return page.frame_locator("iframe[name=braintree-twin-challenge]")
