"""Signatures, encryption and XML against wechatpy, which was written by others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wechatpy import parse_message
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import InvalidSignatureException
from wechatpy.utils import check_signature

from handlers.wechat.envelope import EnvelopeError, Safe, signature, signed
from handlers.wechat.parsing import MalformedError, identity, inbound, read_xml
from tests.wechatapi import AES_KEY, APP_ID, TOKEN, Platform, WechatServer

SAFE = Safe(AES_KEY, APP_ID)
OTHERS = WeChatCrypto(TOKEN, AES_KEY, APP_ID)
PLATFORM = Platform("", WechatServer(APP_ID))
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=200)


@given(WORDS, st.integers(1, 2**31), st.text("0123456789", min_size=1))
def test_what_they_seal_we_open(text: str, moment: int, nonce: str) -> None:
    sealed = read_xml(OTHERS.encrypt_message(text, nonce, str(moment)).encode())
    assert SAFE.open(sealed["Encrypt"]).decode() == text
    assert signed(sealed["MsgSignature"], TOKEN, str(moment), nonce, sealed["Encrypt"])


@given(WORDS, st.integers(1, 2**31), st.text("0123456789", min_size=1))
def test_what_we_seal_they_open(text: str, moment: int, nonce: str) -> None:
    sealed = SAFE.seal(text.encode())
    proof = signature(TOKEN, str(moment), nonce, sealed)
    body = f"<xml><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
    opened = OTHERS.decrypt_message(body, proof, str(moment), nonce)
    assert (opened.decode() if isinstance(opened, bytes) else opened) == text


@given(st.binary(max_size=200), st.integers(0, 300))
def test_what_was_changed_on_the_way_is_refused_or_unchanged(message: bytes, place: int) -> None:
    import base64

    data = bytearray(base64.b64decode(SAFE.seal(message)))
    data[place % len(data)] ^= 1
    try:
        opened = SAFE.open(base64.b64encode(bytes(data)).decode())
    except EnvelopeError:
        return
    # Without a signature CBC hides no change in the random bytes or in the text itself.
    assert len(opened) == len(message)


@given(st.text("abc123", min_size=1), st.text("abc123", min_size=1), st.text("abc123", min_size=1))
def test_signatures_agree(token: str, moment: str, nonce: str) -> None:
    check_signature(token, signature(token, moment, nonce), moment, nonce)
    with pytest.raises(InvalidSignatureException):
        check_signature(token, signature(token, moment, f"{nonce}x"), moment, nonce)


@given(WORDS)
def test_text_is_read_alike(text: str) -> None:
    written = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    message = PLATFORM.xml("oOne", "text", f"<Content>{written}</Content>")
    theirs, ours = parse_message(message), inbound(read_xml(message.encode()))
    assert ours.text == (theirs.content or "").strip()
    assert (ours.citizen, ours.external_id) == (theirs.source, f"oOne:{theirs.id}")
    assert ours.sent_at.timestamp() == int(theirs._data["CreateTime"])


MEDIA = "<MediaId>m</MediaId>"


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("image", f"<PicUrl>http://a.b/1</PicUrl>{MEDIA}"),
        ("voice", f"{MEDIA}<Format>amr</Format><Recognition>我要投诉</Recognition>"),
        (
            "location",
            "<Location_X>23.13</Location_X><Location_Y>113.35</Location_Y><Scale>2</Scale>",
        ),
        ("link", "<Title>标题</Title><Description>说明</Description><Url>http://a.b</Url>"),
    ],
)
def test_other_kinds_are_read_alike(kind: str, more: str) -> None:
    message = PLATFORM.xml("oOne", kind, more)
    theirs, ours = parse_message(message), inbound(read_xml(message.encode()))
    (held,) = ours.attachments
    if kind == "location":
        where = (held.details["latitude"], held.details["longitude"])
        assert where == tuple(map(float, theirs.location))
    if kind == "voice":
        assert ours.text == theirs.recognition
    if kind in ("image", "voice"):
        assert held.reference == theirs.media_id
    if kind == "link":
        assert ours.text.split("\n") == [theirs.title, theirs.description, theirs.url]


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(body: bytes) -> None:
    for one in (body, b"<xml>" + body + b"</xml>"):
        try:
            found = identity(read_xml(one))
        except MalformedError as error:
            found = str(error)
        assert found  # read, or refused in words


@given(st.text(max_size=300))
def test_no_text_breaks_the_envelope(sealed: str) -> None:
    with pytest.raises(EnvelopeError):
        SAFE.open(sealed)
