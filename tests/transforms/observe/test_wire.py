import pytest

from transforms.observe.wire import MalformedError, Wire


def test_numbers_are_big_endian_and_signed():
    wire = Wire(b"\xff\xfe" + b"\x00\x00\x01\x00" + b"\xff" * 8)
    assert (wire.int16(), wire.int32(), wire.int64()) == (-2, 256, -1)


def test_a_varint_has_seven_bits_a_byte_the_lowest_first():
    assert Wire(b"\xac\x02").varint() == 300


def test_strings_have_their_length_before_them_or_one_more_as_a_varint():
    assert Wire(b"\x00\x02ab").text() == Wire(b"\x03ab", flexible=True).text() == "ab"


def test_null_is_a_string_of_no_length():
    assert Wire(b"\xff\xff").text_or_none() is None
    assert Wire(b"\x00", flexible=True).text_or_none() is None


def test_the_end_of_a_flexible_structure_names_the_fields_with_tags():
    assert Wire(b"\x01\x00\x02ab", flexible=True).tags() == {0: b"ab"}


def test_a_fixed_structure_has_no_tags():
    assert Wire(b"").tags() == {}


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (b"\x00", Wire.int16),
        (b"\xff" * 9, Wire.varint),
        (b"\x00\x05ab", Wire.text),
        (b"\xff\xff", Wire.text),
        (b"\x00\x01\xff", Wire.text),
        (b"\x7f\xff\xff\xff", lambda wire: wire.many(wire.int32)),
    ],
)
def test_bytes_that_end_early_or_are_wrong_are_malformed(data, read):
    with pytest.raises(MalformedError):
        read(Wire(data))
