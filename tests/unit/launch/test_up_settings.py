from podshell.launch.up import UpSettings


def test_the_ceiling_is_pod_exec_and_allow_widens_it() -> None:
    assert UpSettings().ceiling == ("podExec",)
    assert UpSettings(allow=("basic", "podDebug")).ceiling == ("podExec", "basic", "podDebug")
    assert UpSettings(allow=("basic", "podExec")).ceiling == ("podExec", "basic")
