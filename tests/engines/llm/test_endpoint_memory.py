"""What an address takes is found out once, and remembered for each model there."""

from __future__ import annotations

import pytest

from analyzer.engines.llm.endpoint_memory import Ability, EndpointMemory


def without(feature) -> Ability:
    less = Ability().without(feature)
    assert less is not None
    return less


def test_less_is_asked_for_step_by_step():
    modes = []
    ability: Ability | None = Ability()
    while ability is not None:
        modes.append(ability.mode)
        ability = ability.without("mode")
    assert modes == ["json_schema", "json_object", "tools", "plain"]
    bare = without("temperature").without("limit")
    assert bare is not None
    assert (bare.takes_temperature, bare.takes_limit) == (False, False)
    assert bare.without("temperature") is None
    assert bare.without("limit") is None


def test_what_was_learnt_is_there_for_the_next_process_and_for_that_model_alone(tmp_path):
    path = tmp_path / "deep" / "endpoints.json"
    memory = EndpointMemory(path, "a m1")
    less = without("mode")
    memory.learn(Ability(), less)
    # Another request that was under way learns the same thing once.
    memory.learn(Ability(), less)
    assert memory.ability.mode == "json_object"
    assert EndpointMemory(path, "a m1").ability == memory.ability
    assert EndpointMemory(path, "a m2").ability == Ability()
    EndpointMemory(path, "a m2").learn(Ability(), without("temperature"))
    assert EndpointMemory(path, "a m1").ability == memory.ability


@pytest.mark.parametrize("text", ["", "[]", '{"a m1": 3}', '{"a m1": {"mode": "magic"}}', "{"])
def test_a_broken_file_is_found_out_anew(tmp_path, text):
    path = tmp_path / "endpoints.json"
    path.write_text(text)
    memory = EndpointMemory(path, "a m1")
    assert memory.ability == Ability()
    memory.learn(Ability(), Ability(mode="tools"))
    assert EndpointMemory(path, "a m1").ability.mode == "tools"


def test_without_a_file_it_remembers_for_this_process(tmp_path):
    (tmp_path / "file").write_text("in the way")
    for path in (None, tmp_path / "file" / "endpoints.json"):
        memory = EndpointMemory(path, "a m1")
        memory.learn(Ability(), Ability(mode="plain"))
        assert memory.ability.mode == "plain"
