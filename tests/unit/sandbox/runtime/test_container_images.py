from __future__ import annotations

from pathlib import Path

import pytest

from podshell.sandbox.runtime.images import ImageStore, parse_reference
from podshell.sandbox.runtime.specs import ImagePullFailed


def test_a_missing_image_fails_with_the_words_of_containerd(tmp_path: Path) -> None:
    with pytest.raises(ImagePullFailed) as refused:
        ImageStore(tmp_path).pull("localhost/nope:1")
    assert refused.value.reason == "ErrImagePull"
    # transcripts/events/image-pull-failure.v1
    assert refused.value.message == (
        'failed to pull and unpack image "localhost/nope:1": failed to resolve image: failed to do request: '
        'Head "https://localhost/v2/nope/manifests/1": dial tcp 192.0.2.1:443: connect: connection refused'
    )


def test_a_name_that_does_not_parse_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ImagePullFailed) as refused:
        ImageStore(tmp_path).pull("UPPER//bad")
    assert refused.value.reason == "InvalidImageName"
    assert refused.value.message == (
        'Failed to apply default image tag "UPPER//bad": couldn\'t parse image name "UPPER//bad": invalid reference format'
    )


def test_short_names_mean_the_public_library() -> None:
    assert parse_reference("busybox") == ("docker.io", "library/busybox", "latest")
    assert parse_reference("example.org:5000/team/app:v1") == ("example.org:5000", "team/app", "v1")


def test_a_distroless_image_has_no_shell(tmp_path: Path) -> None:
    image = ImageStore(tmp_path).pull("gcr.io/distroless/static-debian12")
    assert [path.name for path in image.folder.rglob("*") if path.is_file() and path.stat().st_mode & 0o111] == ["server"]
