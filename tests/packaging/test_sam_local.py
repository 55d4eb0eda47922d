from __future__ import annotations

import pytest

from local import sam_local


def test_where_no_container_engine_answers_it_says_so_and_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert sam_local.run() == 2
    assert "No container engine answers, so nothing was run." in capsys.readouterr().err


def test_an_engine_that_does_not_answer_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sam_local, "ENGINES", ("false",))
    assert sam_local.engine() is None
