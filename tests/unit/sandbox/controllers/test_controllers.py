"""The controllers do what the recorded ones did (transcripts/lifecycle/rollout-and-scale, transcripts/node, transcripts/events)."""

import pytest
from cluster_model import ClusterModel

from podshell.sandbox.content import manifests
from podshell.sandbox.content.nodes import node
from podshell.sandbox.controllers.owners import is_ready
from podshell.sandbox.resources import DEPLOYMENT, ENDPOINTSLICE, NODE, POD, REPLICASET
from podshell.sandbox.store import Obj, copied


@pytest.fixture
def model() -> ClusterModel:
    return ClusterModel()


def template(image: str = "busybox:1") -> Obj:
    return manifests.template("web", manifests.container("web", image, "sleep 1"))


def conditions(obj: Obj) -> dict[str, tuple[str, str]]:
    return {one["type"]: (one["status"], one["reason"]) for one in obj["status"].get("conditions", [])}


class TestDeployment:
    def test_it_makes_a_replica_set_that_makes_the_pods(self, model: ClusterModel) -> None:
        web = model.create(manifests.deployment("shop", "web", template(), replicas=2))
        (replicaset,) = model.store.list(REPLICASET)
        assert replicaset["metadata"]["name"].startswith("web-")
        assert replicaset["metadata"]["annotations"] == {
            "deployment.kubernetes.io/desired-replicas": "2",
            "deployment.kubernetes.io/max-replicas": "3",
            "deployment.kubernetes.io/revision": "1",
        }
        hashed = replicaset["metadata"]["labels"]["pod-template-hash"]
        assert [one["metadata"]["labels"] for one in model.pods()] == [{"app": "web", "pod-template-hash": hashed}] * 2
        status = model.now(web)["status"]
        assert {name: status.get(name) for name in ("replicas", "updatedReplicas", "unavailableReplicas", "readyReplicas")} == {
            "replicas": 2,
            "updatedReplicas": 2,
            "unavailableReplicas": 2,
            "readyReplicas": None,
        }
        assert conditions(model.now(web))["Available"] == ("False", "MinimumReplicasUnavailable")
        assert model.events("web") == [("ScalingReplicaSet", f"Scaled up replica set web-{hashed} from 0 to 2")]

    def test_a_restart_replaces_the_pods_without_dropping_below_the_wanted_number(self, model: ClusterModel) -> None:
        web = model.create(manifests.deployment("shop", "web", template(), replicas=2))
        model.run_all()
        assert conditions(model.now(web))["Progressing"] == ("True", "NewReplicaSetAvailable")
        before = {one["metadata"]["name"] for one in model.pods()}
        restarted = copied(model.now(web)["spec"]["template"])
        restarted["metadata"]["annotations"] = {"kubectl.kubernetes.io/restartedAt": "2026-11-22T12:55:38Z"}
        model.change(web, template=restarted)
        lowest = 2
        for _ in range(20):
            ready = [one for one in model.pods() if is_ready(one)]
            lowest = min(lowest, len(ready))
            assert len(model.pods()) <= 3
            waiting = [one for one in model.pods() if not is_ready(one)]
            if not waiting:
                break
            model.report(waiting[0])
            model.bury()
        after = {one["metadata"]["name"] for one in model.pods()}
        assert lowest == 2
        assert len(after) == 2
        assert not before & after
        assert model.now(web)["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"
        old, new = sorted(model.store.list(REPLICASET), key=lambda one: one["spec"]["replicas"])
        ways = [
            message.replace(old["metadata"]["name"], "OLD").replace(new["metadata"]["name"], "NEW") for _, message in model.events("web")
        ]
        assert ways == [
            "Scaled up replica set OLD from 0 to 2",
            "Scaled up replica set NEW from 0 to 1",
            "Scaled down replica set OLD from 2 to 1",
            "Scaled up replica set NEW from 1 to 2",
            "Scaled down replica set OLD from 1 to 0",
        ]

    def test_scaling_changes_the_current_replica_set_only(self, model: ClusterModel) -> None:
        web = model.create(manifests.deployment("shop", "web", template(), replicas=1))
        model.run_all()
        model.change(web, replicas=3)
        assert len(model.pods()) == 3
        model.run_all()
        model.change(web, replicas=1)
        model.run_all()
        assert len(model.store.list(REPLICASET)) == 1
        assert len(model.pods()) == 1
        assert model.now(web)["status"]["observedGeneration"] == 3

    def test_a_bad_image_keeps_the_old_pod_and_an_undo_takes_the_old_replica_set_again(self, model: ClusterModel) -> None:
        web = model.create(manifests.deployment("shop", "web", template(), replicas=1))
        model.run_all()
        good = model.now(web)["spec"]["template"]
        model.change(web, template=template("localhost/nope:2"))
        assert [is_ready(one) for one in model.pods()].count(True) == 1
        assert len(model.pods()) == 2
        assert conditions(model.now(web))["Available"] == ("True", "MinimumReplicasAvailable")
        model.change(web, template=good)
        model.run_all()
        assert len(model.store.list(REPLICASET)) == 2
        assert [one["spec"]["containers"][0]["image"] for one in model.pods()] == ["busybox:1"]
        assert model.now(web)["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"

    def test_recreate_ends_the_old_pods_before_it_makes_new_ones(self, model: ClusterModel) -> None:
        obj = manifests.deployment("shop", "web", template(), replicas=2)
        obj["spec"]["strategy"] = {"type": "Recreate"}
        web = model.create(obj)
        model.run_all()
        model.change(web, template=template("busybox:2"))
        assert model.pods() == []
        model.bury()
        assert [one["spec"]["containers"][0]["image"] for one in model.pods()] == ["busybox:2"] * 2

    def test_what_it_owned_goes_after_it(self, model: ClusterModel) -> None:
        model.create(manifests.deployment("shop", "web", template(), replicas=2))
        model.run_all()
        model.store.delete(DEPLOYMENT, "shop", "web")
        model.loop.run_until_idle()
        model.bury()
        assert model.store.list(REPLICASET) == []
        assert model.store.list(POD) == []

    def test_a_deleted_pod_is_replaced_by_another(self, model: ClusterModel) -> None:
        model.create(manifests.deployment("shop", "web", template()))
        (pod,) = model.pods()
        model.store.delete(POD, "shop", pod["metadata"]["name"])
        model.loop.run_until_idle()
        (another,) = model.pods()
        assert another["metadata"]["name"] != pod["metadata"]["name"]


class TestStatefulSet:
    def test_pods_come_one_after_the_other_under_fixed_names(self, model: ClusterModel) -> None:
        model.create(manifests.statefulset("shop", "web", template(), replicas=2))
        assert [one["metadata"]["name"] for one in model.pods()] == ["web-0"]
        model.run_all()
        assert [one["metadata"]["name"] for one in model.pods()] == ["web-0", "web-1"]

    def test_a_new_template_replaces_the_highest_number_first(self, model: ClusterModel) -> None:
        web = model.create(manifests.statefulset("shop", "web", template(), replicas=2))
        model.run_all()
        model.change(web, template=template("busybox:2"))
        assert [one["metadata"]["name"] for one in model.leaving()] == ["web-1"]
        model.run_all()
        assert {one["spec"]["containers"][0]["image"] for one in model.pods()} == {"busybox:2"}
        status = model.now(web)["status"]
        assert status["currentRevision"] == status["updateRevision"]


class TestDaemonSet:
    def test_every_node_that_fits_has_one_pod(self, model: ClusterModel) -> None:
        agent = model.create(manifests.daemonset("platform", "web", template()))
        model.store.create(NODE, node("win", "192.0.2.3", version="v1", windows=True))
        model.store.create(NODE, node("worker-2", "192.0.2.4", version="v1"))
        model.loop.run_until_idle()
        model.run_all()
        assert sorted(one["spec"]["nodeName"] for one in model.pods()) == ["worker-1", "worker-2"]
        assert model.now(agent)["status"]["numberReady"] == 2


class TestJob:
    def test_a_succeeded_pod_completes_it(self, model: ClusterModel) -> None:
        report = model.create(manifests.job("reports", "report", template()))
        (pod,) = model.pods()
        assert pod["metadata"]["labels"]["batch.kubernetes.io/job-name"] == "report"
        model.report(pod, "Succeeded")
        status = model.now(report)["status"]
        assert status["succeeded"] == 1
        assert conditions(model.now(report)) == {
            "SuccessCriteriaMet": ("True", "CompletionsReached"),
            "Complete": ("True", "CompletionsReached"),
        }
        assert [reason for reason, _ in model.events("report")] == ["SuccessfulCreate", "Completed"]

    def test_too_many_failures_fail_it(self, model: ClusterModel) -> None:
        obj = manifests.job("reports", "report", template())
        obj["spec"]["backoffLimit"] = 0
        report = model.create(obj)
        model.report(model.pods()[0], "Failed")
        assert conditions(model.now(report)) == {
            "FailureTarget": ("True", "BackoffLimitExceeded"),
            "Failed": ("True", "BackoffLimitExceeded"),
        }
        assert model.now(report)["status"]["failed"] == 1
        assert model.events("report")[-1] == ("BackoffLimitExceeded", "Job has reached the specified backoff limit")

    def test_its_deadline_deletes_the_pod(self, model: ClusterModel) -> None:
        obj = manifests.job("reports", "report", template())
        obj["spec"]["activeDeadlineSeconds"] = 0
        obj["spec"]["parallelism"] = 0
        report = model.create(obj)
        assert conditions(model.now(report))["FailureTarget"] == ("True", "DeadlineExceeded")


class TestScheduler:
    def test_a_pod_that_fits_nowhere_stays_pending_with_the_schedulers_words(self, model: ClusterModel) -> None:
        pod = manifests.pod("shop", "pending", template())
        pod["spec"]["nodeSelector"] = {"disk": "none"}
        made = model.create(pod)
        # transcripts/lifecycle/node-not-ready, the event about Pod/pending
        message = (
            "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, "
            "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
        )
        assert model.events("pending") == [("FailedScheduling", message)]
        assert model.now(made)["status"]["conditions"][0]["reason"] == "Unschedulable"
        labelled = node("worker-9", "192.0.2.9", version="v1")
        labelled["metadata"]["labels"]["disk"] = "none"
        model.create(labelled | {"metadata": labelled["metadata"]})
        assert model.now(made)["spec"]["nodeName"] == "worker-9"

    def test_nodes_in_trouble_get_no_pods(self, model: ClusterModel) -> None:
        model.store.create(NODE, node("lost", "192.0.2.7", version="v1", ready=False))
        for number in range(4):
            model.create(manifests.pod("shop", f"web-{number}", template()))
        assert {one["spec"]["nodeName"] for one in model.pods()} == {"worker-1"}


class TestEvents:
    def test_the_same_again_counts_up(self, model: ClusterModel) -> None:
        model.create(manifests.deployment("shop", "web", template()))
        model.run_all()
        from podshell.sandbox.controllers.recorder import EventRecorder
        from podshell.sandbox.resources import EVENT

        recorder = EventRecorder(model.store)
        (pod,) = model.pods()
        for _ in range(3):
            recorder.record(pod, "BackOff", "again", component="kubelet", host="worker-1", kind="Warning")
        (event,) = [one for one in model.store.list(EVENT) if one["reason"] == "BackOff"]
        assert (event["count"], event["source"]) == (3, {"component": "kubelet", "host": "worker-1"})


class TestEndpointSlices:
    def test_the_slice_holds_the_addresses_of_the_pods(self, model: ClusterModel) -> None:
        model.create(manifests.service("shop", "web", 80, "10.96.0.5"))
        model.create(manifests.deployment("shop", "web", template()))
        model.run_all()
        (found,) = model.store.list(ENDPOINTSLICE)
        assert found["metadata"]["labels"]["kubernetes.io/service-name"] == "web"
        assert [one["addresses"] for one in found["endpoints"]] == [["10.244.0.9"]]
        assert found["endpoints"][0]["conditions"] == {"ready": True, "serving": True, "terminating": False}
