"""Who may grant what, from tables and from prose."""

from __future__ import annotations

import pytest

from analyzer.language.roles import find_caps, find_roles, reserved_roles, same_role, table_rows

TABLE = """| Role | Money back, per stay | Points |
| --- | --- | --- |
| representative | up to £30 | none |
| duty manager | £400 | 20,000 |

One gesture per stay."""


def test_a_table_gives_a_cap_for_each_role_and_column():
    caps = {(c.role, c.about): c for c in find_caps(TABLE)}
    assert caps["representative", "Money back, per stay"].limits[0].value == 30
    assert caps["representative", "Points"].nothing
    assert caps["duty manager", "Points"].limits[0].value == 20000


def test_prose_gives_a_cap():
    (cap,) = find_caps("A shift supervisor may remit charges up to $80. Others may not.")
    assert cap.role == "shift supervisor"
    assert cap.limits[0].value == 80


def test_a_price_table_is_no_cap():
    assert find_caps("| Plan | Price |\n| --- | --- |\n| Basic | $5 |") == []


@pytest.mark.parametrize(
    ("sentence", "roles"),
    [
        ("A supervisor approves the credit.", ["supervisor"]),
        ("For the credit manager alone.", ["credit manager"]),
        ("Nobody but the risk office says who was at fault.", ["risk office"]),
        ("The representative reads the notice.", []),
    ],
)
def test_what_is_reserved_to_whom(sentence, roles):
    assert reserved_roles(sentence) == roles


def test_names_of_one_role():
    assert same_role("representatives", "billing representative")
    assert not same_role("billing lead", "billing representative")
    assert find_roles("Supervisors and the store manager decide.") == [
        "supervisor",
        "store manager",
    ]


def test_rows_carry_their_headings():
    headings, cells = table_rows(TABLE)[1]
    assert dict(zip(headings, cells, strict=True))["Points"] == "20,000"
