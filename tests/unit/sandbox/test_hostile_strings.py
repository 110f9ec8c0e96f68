"""The corpus of hostile texts is large, has no repeats, and reaches every free text of a pod."""

import json

from hostile_strings import HOSTILE, MARK, event_about, put_everywhere


def test_there_are_many_different_ones() -> None:
    assert len(HOSTILE) >= 60
    assert len(set(HOSTILE.values())) == len(HOSTILE)


def test_a_pod_says_the_text_in_every_place_and_survives_json() -> None:
    text = HOSTILE["script"]
    pod = {"metadata": {"name": "p", "namespace": "n", "uid": "u"}, "status": {"conditions": [{"type": "Ready"}]}}
    pod["status"]["containerStatuses"] = [{"name": "main"}]
    put_everywhere(pod, text)
    assert json.dumps(pod).count(MARK) == 8
    assert json.loads(json.dumps(event_about(pod, 1, text)))["message"] == text
