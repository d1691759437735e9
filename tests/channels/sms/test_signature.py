"""The signature of Twilio's posts: nothing forged gets in, and only the address in our settings counts."""

from urllib.parse import urlencode

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from channels.app import create_app
from channels.base import ChannelContext
from channels.gateway import Gateway
from channels.sms_twilio.paths import FALLBACK_PATH, INBOUND_PATH, STATUS_PATH
from channels.sms_twilio.receive import PATH, SIGNATURE_HEADER
from helpline.keys import Keys
from helpline.services.core import Core
from helpline.settings import Settings
from helpline.storage.models import Inbound
from tests.channels.conftest import PUBLIC
from tests.channels.sms.helpers import FIELDS, FORM, URL, post, sign, text
from tests.fakes import ScriptedAssistant
from tests.services import rows

FORGED = {
    "a wrong key": (FIELDS, sign(FIELDS, token="another")),
    "no header": (FIELDS, None),
    "an empty header": (FIELDS, ""),
    "rubbish": (FIELDS, "not-base64!"),
    "letters that are no ASCII": (FIELDS, "é"),
    "a changed field": (text(body="something else"), sign(FIELDS)),
    "a field too many": ([*FIELDS, ("Extra", "1")], sign(FIELDS)),
    "a field too few": (FIELDS[:-1], sign(FIELDS)),
    "another text beside it": ([*FIELDS, ("Body", "something else")], sign(FIELDS)),
    "another host": (FIELDS, sign(FIELDS, PUBLIC.replace("care", "evil") + PATH)),
    "http for https": (FIELDS, sign(FIELDS, URL.replace("https", "http"))),
    "another path": (FIELDS, sign(FIELDS, URL + "/x")),
    "a query that is not there": (FIELDS, sign(FIELDS, URL + "?a=b")),
    "a key of no letters": (FIELDS, sign(FIELDS, token="")),
}


@pytest.mark.parametrize("forgery", FORGED)
def test_a_text_that_twilio_did_not_sign_is_refused_and_leaves_nothing(
    client: TestClient[Litestar], core: Core, forgery: str
) -> None:
    fields, signature = FORGED[forgery]
    if signature is not None and not signature.isascii():
        response = client.post(
            URL, content=urlencode(fields), headers={b"content-type": FORM.encode(), b"x-twilio-signature": b"\xe9"}
        )
        assert response.status_code == 403
    else:
        assert post(client, fields, signature) == 403
    assert rows.all_of(core, Inbound) == []


def test_the_query_is_part_of_what_is_signed(client: TestClient[Litestar], core: Core) -> None:
    url = URL + "?a=1&b=2"
    assert post(client, FIELDS, sign(FIELDS), url=url) == 403
    assert post(client, FIELDS, sign(FIELDS, url), url=url) == 200


def test_without_a_key_of_our_own_nothing_is_taken_for_signed(
    settings: Settings, keys: Keys, gateway: Gateway, assistant: ScriptedAssistant, core: Core
) -> None:
    keyless = Keys(**{**keys.__dict__, "twilio_auth_token": ""})
    app = create_app(ChannelContext(settings, keyless, gateway), assistant, core, lambda: None, lambda: None)
    with TestClient(app, base_url=PUBLIC) as client:
        assert post(client, FIELDS, sign(FIELDS, token="")) == 403
        assert post(client, FIELDS, sign(FIELDS)) == 403
    assert rows.all_of(core, Inbound) == []


@pytest.mark.parametrize("path", [INBOUND_PATH, FALLBACK_PATH])
def test_the_fallback_address_takes_texts_like_the_first_one_and_neither_takes_the_others_signature(
    client: TestClient[Litestar], core: Core, path: str
) -> None:
    for other in {INBOUND_PATH, FALLBACK_PATH, STATUS_PATH} - {path}:
        assert post(client, FIELDS, sign(FIELDS, PUBLIC + other), url=PUBLIC + path) == 403
    assert post(client, FIELDS, sign(FIELDS, PUBLIC + path), url=PUBLIC + path) == 200
    assert len(rows.all_of(core, Inbound)) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"x-forwarded-host": "evil.example", "x-forwarded-proto": "http"},
        {"x-forwarded-proto": "http"},
        {"forwarded": "host=evil.example;proto=http"},
    ],
)
def test_only_the_address_in_the_settings_counts_whatever_the_request_says_of_itself(
    client: TestClient[Litestar], core: Core, headers: dict[str, str]
) -> None:
    evil, content = "http://evil.example" + PATH, urlencode(FIELDS).encode()
    for signed_over, status in ((evil, 403), ("https://evil.example" + PATH, 403), (URL, 200)):
        given = {**headers, "content-type": FORM, SIGNATURE_HEADER: sign(FIELDS, signed_over)}
        assert client.post("http://evil.example" + PATH, content=content, headers=given).status_code == status
    assert len(rows.all_of(core, Inbound)) == 1
