"""Which clusters `podshell up` serves, and under which names."""

from __future__ import annotations

from pathlib import Path

import pytest

from podshell.launch.clusters import cluster_name, wants_sandbox


@pytest.mark.parametrize(
    ("context", "name"),
    [
        ("staging", "staging"),
        ("arn:aws:eks:eu-central-1:1234:cluster/Prod", "prod"),
        ("admin@kubernetes", "admin-kubernetes"),
        ("gke_project_zone_name", "gke-project-zone-name"),
        ("-.-", "cluster"),
        ("x" * 100, "x" * 63),
    ],
)
def test_a_context_gives_a_cluster_name_that_can_stand_in_addresses(context: str, name: str) -> None:
    assert cluster_name(context) == name


def test_the_sandbox_is_taken_when_asked_for_or_when_there_is_no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config"
    monkeypatch.setenv("KUBECONFIG", str(config))
    assert wants_sandbox(False, None, "")
    assert not wants_sandbox(False, config, ""), "a file that was named and is not there is an error, not a wish for the sandbox"
    assert not wants_sandbox(False, None, "staging"), "so is a context"
    config.write_text("")
    assert not wants_sandbox(False, None, "")
    assert wants_sandbox(True, config, "staging")
