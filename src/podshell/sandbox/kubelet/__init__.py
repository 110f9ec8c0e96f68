"""The kubelet of a sandbox cluster: one for all its nodes. It makes pods that are bound to ready nodes into real processes.

`kubelet.py` watches the pods and keeps one worker for each; `workers.py` is the life of one pod; `records.py` what is known of each
container; `podstatus.py` makes the status of it; `specs.py` makes container specs of pod specs; `backoffs.py` counts restart delays.
"""
