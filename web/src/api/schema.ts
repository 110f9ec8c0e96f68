// Generated from the gateway's OpenAPI document by `npm run schema`. Do not edit.

export interface paths {
    "/api/signin": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Exchange the secret of a sign-in link
         * @description Exchange a one-time secret for a cookie and a page token.
         */
        post: operations["signIn"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/signout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Sign out this browser
         * @description Forget the browser session; its cookie is worth nothing from now on.
         */
        post: operations["signOut"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Who is signed in, and to what
         * @description Say who the caller is; a page gets its token here after a reload.
         */
        get: operations["getMe"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/clusters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * All clusters and their agents
         * @description List the clusters that the caller may see.
         */
        get: operations["listClusters"];
        put?: never;
        /**
         * Get a one-time token with which an agent joins
         * @description Make a one-time enrolment token for a cluster, new or known.
         */
        post: operations["addCluster"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/clusters/{cluster}/pods": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Pods of a cluster or namespace
         * @description Answer with a snapshot of the agent's cache.
         */
        get: operations["listPods"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/clusters/{cluster}/namespaces/{namespace}/pods/{pod}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One pod as the agent knows it
         * @description Ask the agent for one pod.
         */
        get: operations["getPod"];
        put?: never;
        post?: never;
        /**
         * Delete a pod
         * @description Ask the API server to delete a pod, only that with `uid` if given; it goes when its containers have stopped.
         */
        delete: operations["deletePod"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/clusters/{cluster}/namespaces/{namespace}/pods/{pod}/details": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One pod with everything that is known of it
         * @description Answer with the pod's details; a page that stays follows the live topic `pod` instead.
         */
        get: operations["getPodDetails"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/clusters/{cluster}/namespaces/{namespace}/pods/{pod}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The Kubernetes events of a pod
         * @description Answer with the pod's events as the API server still has them, in no order; the live topic `events` follows them.
         */
        get: operations["listPodEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Sessions of the caller
         * @description List the caller's sessions, newest first; `all` adds the latest that have ended.
         */
        get: operations["listSessions"];
        put?: never;
        /**
         * Open a shell
         * @description Decide, audit, grant, and ask the agent; the shell opens after the answer.
         */
        post: operations["openSession"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/sessions/plan": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Show what a debug or node session would make
         * @description Ask the agent for the manifest, the risks and what would refuse it; nothing is made.
         */
        post: operations["planSession"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/sessions/{session}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One session
         * @description Answer with one session of the caller; another's is not found.
         */
        get: operations["getSession"];
        put?: never;
        post?: never;
        /**
         * End a session
         * @description End a session. One that has ended stays ended.
         */
        delete: operations["closeSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/sessions/{session}/tickets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Get a ticket for a terminal socket
         * @description Make a single-use ticket, when the session's agent can be reached.
         */
        post: operations["makeSessionTicket"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/tickets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Get a ticket for the live socket
         * @description Make a single-use ticket for /ws/live.
         */
        post: operations["makeTicket"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The newest rows of the audit
         * @description List the newest rows, newest first.
         */
        get: operations["listAudit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The process lives
         * @description Answer as long as the process lives.
         */
        get: operations["getHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * New work is welcome
         * @description Answer 200 when the database answers and the gateway is not stopping, else 503.
         */
        get: operations["getReadiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** AgentInstance */
        AgentInstance: {
            instance: string;
            epoch: string;
            version: string;
            draining: boolean;
            connected_at: string;
        };
        /**
         * Attached
         * @description The consumer is in. Output starts at `start`; `reset` says that it does not follow what the viewer has (other epoch, or none);
         *         `lost` says that bytes before `start` which it asked for are gone. Input counts as taken up to `input_taken`.
         */
        Attached: {
            session: string;
            epoch: string;
            incarnation: number;
            state: string;
            start: number;
            head: number;
            input_taken: number;
            input_limit: number;
            /** @default false */
            reset?: boolean;
            /** @default false */
            lost?: boolean;
            /** @default 80 */
            cols?: number;
            /** @default 24 */
            rows?: number;
            /** @default 0 */
            idle_timeout_seconds?: number;
        };
        /**
         * AuditRow
         * @description One row of the audit. `hash` covers the row and `previous_hash`, so that no row can be changed or taken out unseen.
         */
        AuditRow: {
            sequence: number;
            at: string;
            actor: string;
            action: string;
            /** @enum {unknown} */
            outcome: "allowed" | "done" | "failed" | "refused";
            cluster: string;
            namespace: string;
            pod: string;
            container: string;
            session: string;
            reason: string;
            details: {
                [key: string]: string | number | boolean | string[] | null;
            };
            previous_hash: string;
            hash: string;
        };
        /** Cluster */
        Cluster: {
            name: string;
            /** @enum {unknown} */
            state: "offline" | "online";
            kubernetes_version: string;
            agents: components["schemas"]["AgentInstance"][];
            ceiling: {
                [key: string]: boolean;
            };
            label: string;
            colour: string;
        };
        /**
         * ClusterBody
         * @description A cluster to enrol. `label` and `colour` stay as they are where they are left out; "" takes them away.
         */
        ClusterBody: {
            name: string;
            /** @default null */
            label?: string | null;
            /** @default null */
            colour?: string | null;
        };
        /**
         * ConditionRow
         * @description A condition. `status`: True, False, Unknown. `since`: its last transition.
         */
        ConditionRow: {
            type: string;
            status: string;
            /** @default  */
            reason?: string;
            /** @default  */
            message?: string;
            /** @default  */
            since?: string;
        };
        /**
         * ContainerDetails
         * @description One container. `role` and `state` as in ContainerRow.
         *
         *         `termination` is the end of the present run, `last_termination` of the one before. `security`: its facts as short lines, such as
         *         "privileged" or "runs as user 0". `environment`: names only.
         */
        ContainerDetails: {
            name: string;
            /** @default container */
            role?: string;
            /** @default  */
            image?: string;
            /** @default  */
            image_id?: string;
            /** @default  */
            container_id?: string;
            /** @default unknown */
            state?: string;
            /** @default  */
            reason?: string;
            /** @default  */
            message?: string;
            /** @default false */
            ready?: boolean;
            /** @default null */
            started?: boolean | null;
            /** @default 0 */
            restarts?: number;
            /** @default  */
            started_at?: string;
            /** @default null */
            termination?: components["schemas"]["TerminationRow"] | null;
            /** @default null */
            last_termination?: components["schemas"]["TerminationRow"] | null;
            /** @default [] */
            command?: string[];
            /** @default [] */
            args?: string[];
            /** @default [] */
            ports?: string[];
            /** @default {} */
            requests?: {
                [key: string]: string;
            };
            /** @default {} */
            limits?: {
                [key: string]: string;
            };
            /** @default [] */
            mounts?: components["schemas"]["MountRow"][];
            /** @default [] */
            probes?: string[];
            /** @default [] */
            environment?: string[];
            /** @default [] */
            security?: string[];
            /** @default  */
            target?: string;
        };
        /**
         * ContainerRow
         * @description One container of a pod. `role`: container, init, sidecar, ephemeral. `state`: running, waiting, terminated, unknown.
         */
        ContainerRow: {
            name: string;
            /** @default container */
            role?: string;
            /** @default  */
            image?: string;
            /** @default unknown */
            state?: string;
            /** @default  */
            reason?: string;
            /** @default  */
            message?: string;
            /** @default null */
            exit_code?: number | null;
            /** @default false */
            ready?: boolean;
            /** @default 0 */
            restarts?: number;
            /** @default  */
            started_at?: string;
        };
        /**
         * DebugOptions
         * @description The options of a debug or node session; what is left out is the default of the cluster's agent (wire/tools.py).
         */
        DebugOptions: {
            /**
             * @default
             * @enum {unknown}
             */
            profile?: "" | "host" | "net" | "restricted" | "systemd" | "trace";
            /** @default [] */
            capabilities?: string[];
            /** @default  */
            image?: string;
            /**
             * @default
             * @enum {unknown}
             */
            pull_policy?: "" | "Always" | "IfNotPresent" | "Never";
            /** @default  */
            target?: string;
            /** @default false */
            mount_host?: boolean;
            /** @default false */
            host_write?: boolean;
            /** @default false */
            host_pid?: boolean;
            /** @default false */
            enter?: boolean;
            /** @default false */
            seccomp_unconfined?: boolean;
            /** @default false */
            apparmor_unconfined?: boolean;
            /**
             * @default
             * @enum {unknown}
             */
            system?: "" | "linux" | "windows";
            /** @default null */
            ttl_seconds?: number | null;
            /** @default null */
            start_seconds?: number | null;
        };
        /**
         * DebugPlan
         * @description What opening a session would make. `actions`: what it needs of the ceiling; `risks`: one sentence for each choice that has one.
         *
         *         The first `dangers` of the risks are dangers, the others notes.
         *
         *         `pod_security`: the level that the namespace enforces, empty when it enforces none or that could not be read. `refusal`: why opening
         *         it would be refused as things are; the manifest is shown nevertheless.
         */
        DebugPlan: {
            kind: string;
            object: string;
            namespace: string;
            pod: string;
            node: string;
            image: string;
            profile: string;
            manifest: string;
            risks: string[];
            actions: string[];
            pod_security: string;
            ttl_seconds: number;
            refusal: components["schemas"]["Refusal"] | null;
            /** @default 0 */
            dangers?: number;
        };
        /**
         * DebugRequest
         * @description The options of a debug or node session. Empty texts and None mean what the cluster's agent has as its default.
         *
         *         `capabilities` add to those of the profile. `target`: a container of the pod whose processes are shared (debug). `mount_host`,
         *         `host_write`, `host_pid`, `enter` (a shell in the host's own namespaces) and `system` belong to node sessions, as do the two
         *         `..._unconfined`. `ttl_seconds`: the container is ended after so long at the latest; `start_seconds`: it must run within so many.
         */
        DebugRequest: {
            /**
             * @default
             * @enum {unknown}
             */
            profile?: "" | "host" | "net" | "restricted" | "systemd" | "trace";
            /** @default [] */
            capabilities?: string[];
            /** @default  */
            image?: string;
            /**
             * @default
             * @enum {unknown}
             */
            pull_policy?: "" | "Always" | "IfNotPresent" | "Never";
            /** @default  */
            target?: string;
            /** @default false */
            mount_host?: boolean;
            /** @default false */
            host_write?: boolean;
            /** @default false */
            host_pid?: boolean;
            /** @default false */
            enter?: boolean;
            /** @default false */
            seccomp_unconfined?: boolean;
            /** @default false */
            apparmor_unconfined?: boolean;
            /**
             * @default
             * @enum {unknown}
             */
            system?: "" | "linux" | "windows";
            /** @default null */
            ttl_seconds?: number | null;
            /** @default null */
            start_seconds?: number | null;
        };
        /**
         * DeletedPod
         * @description The API server took the deletion; the pod goes when its containers have stopped.
         */
        DeletedPod: {
            namespace: string;
            pod: string;
        };
        /**
         * End
         * @description The session is over. `reason`: exited, closed, idle, revoked, target_gone, lost, failed, agent_stopped.
         *
         *         `left` names processes that stay because they left the session (setsid); `unkilled` those that could not be killed.
         */
        End: {
            reason: string;
            /** @default null */
            exit_code?: number | null;
            /** @default  */
            message?: string;
            /** @default  */
            next_step?: string;
            /** @default null */
            refusal?: components["schemas"]["Refusal"] | null;
            /** @default [] */
            left?: string[];
            /** @default [] */
            unkilled?: string[];
        };
        /**
         * Enrolment
         * @description A one-time token with which one agent can join a cluster.
         */
        Enrolment: {
            cluster: string;
            token: string;
            expires_at: string;
        };
        /**
         * ErrorBody
         * @description The body of every answer with status 400 or higher.
         */
        ErrorBody: {
            error: components["schemas"]["ErrorDetail"];
        };
        /**
         * ErrorCode
         * @description What went wrong, stable over versions.
         * @enum {unknown}
         */
        ErrorCode: "agent_busy" | "agent_offline" | "api_server_unreachable" | "bad_request" | "cluster_unknown" | "conflict" | "container_required" | "forbidden_by_admission" | "forbidden_by_ceiling" | "forbidden_by_kubernetes" | "forbidden_by_policy" | "going_away" | "grant_refused" | "internal" | "limit_reached" | "link_lost" | "node_unreachable" | "not_found" | "not_running" | "origin_refused" | "protocol_error" | "revoked" | "session_ended" | "session_unknown" | "shell_missing" | "shell_not_executable" | "start_failed" | "target_gone" | "ticket_refused" | "unauthenticated";
        /**
         * ErrorDetail
         * @description One refusal or failure: what, by whom, and what to do next. `retry_after_ms` set: trying again then can help.
         */
        ErrorDetail: {
            code: components["schemas"]["ErrorCode"];
            refused_by: components["schemas"]["RefusedBy"];
            message: string;
            next_step: string;
            details: {
                [key: string]: string | string[];
            };
            retry_after_ms?: number;
        };
        /**
         * EventRow
         * @description A Kubernetes event. `type`: Normal or Warning. `count` times between `first_at` and `last_at`; `container` when it is about one.
         */
        EventRow: {
            uid: string;
            type: string;
            reason: string;
            message: string;
            count: number;
            first_at: string;
            last_at: string;
            /** @default  */
            source?: string;
            /** @default  */
            object_kind?: string;
            /** @default  */
            object_name?: string;
            /** @default  */
            container?: string;
        };
        /** GatewayInfo */
        GatewayInfo: {
            version: string;
            replica: string;
            cookie: string;
            started_at: string;
        };
        /** Health */
        Health: {
            /** @enum {unknown} */
            status: "ok" | "starting" | "stopping";
        };
        /**
         * LiveAck
         * @description Everything of the log `ack` before the offset `bytes` is taken: the `end` of a LiveLog that was dealt with.
         */
        LiveAck: {
            ack: string;
            bytes: number;
        };
        /**
         * LiveBatch
         * @description Changes of one subscription. `reset`: forget what came before. `complete`: everything that exists has been sent.
         *
         *         `set` holds rows of the topic's type (live_rows.py gives OpenAPI their union), encoded once for all who look at them; `removed`
         *         holds uids, for sessions and clusters their `id` and `name`. `refusal`: nothing new comes for now, and why.
         */
        LiveBatch: {
            /** @enum {unknown} */
            type: "batch";
            id: string;
            set: (components["schemas"]["PodRow"] | components["schemas"]["NodeRow"] | components["schemas"]["NamespaceRow"] | components["schemas"]["ServiceRow"] | components["schemas"]["WorkloadRow"] | components["schemas"]["Session"] | components["schemas"]["Cluster"] | components["schemas"]["PodDetails"] | components["schemas"]["EventRow"])[];
            removed: string[];
            complete: boolean;
            reset: boolean;
            refusal: components["schemas"]["Refusal"] | null;
        };
        /**
         * LiveError
         * @description Why the live socket closes.
         */
        LiveError: {
            /** @enum {unknown} */
            type: "error";
            error: components["schemas"]["ErrorDetail"];
        };
        /** LiveHello */
        LiveHello: {
            ticket: string;
        };
        /**
         * LiveLog
         * @description The next part of a log, cut anywhere but in a character. What is no UTF-8 is replaced. `end`: bytes of the log up to here.
         */
        LiveLog: {
            /** @enum {unknown} */
            type: "log";
            id: string;
            text: string;
            end: number;
        };
        /**
         * LiveLogEnd
         * @description Nothing more comes of this log. `refusal` null: it was read to its end; else why there is none, or no more.
         */
        LiveLogEnd: {
            /** @enum {unknown} */
            type: "log_end";
            id: string;
            refusal: components["schemas"]["Refusal"] | null;
        };
        /**
         * LiveLogs
         * @description Read a container's log under the id `logs`, shared with subscriptions. It comes as LiveLog messages, and LiveLogEnd last.
         *
         *         At most 256 KiB come without LiveAck. `container` may be empty only when the pod has one; `tail_lines` and `since_seconds` null: from
         *         the beginning.
         */
        LiveLogs: {
            logs: string;
            cluster: string;
            namespace: string;
            pod: string;
            /** @default  */
            container?: string;
            /** @default true */
            follow?: boolean;
            /** @default false */
            previous?: boolean;
            /** @default false */
            timestamps?: boolean;
            /** @default 1000 */
            tail_lines?: number | null;
            /** @default null */
            since_seconds?: number | null;
        };
        /** LivePing */
        LivePing: {
            /** @enum {unknown} */
            type: "ping";
        };
        /** LiveReady */
        LiveReady: {
            /** @enum {unknown} */
            type: "ready";
        };
        /**
         * LiveSubscribe
         * @description `name` says which object the topics `pod` (one row: PodDetails) and `events` (rows: EventRow) are about, `kind` whose events.
         */
        LiveSubscribe: {
            subscribe: string;
            /** @enum {unknown} */
            topic: "clusters" | "events" | "namespaces" | "nodes" | "pod" | "pods" | "services" | "sessions" | "workloads";
            /** @default  */
            cluster?: string;
            /** @default  */
            namespace?: string;
            /** @default  */
            name?: string;
            /** @default  */
            kind?: ("CronJob" | "DaemonSet" | "Deployment" | "Job" | "Node" | "Pod" | "ReplicaSet" | "Service" | "StatefulSet") | "";
        };
        /**
         * LiveUnsubscribe
         * @description End a subscription, or a log.
         */
        LiveUnsubscribe: {
            unsubscribe: string;
        };
        /**
         * MadeContainer
         * @description The container that a debug or node session runs in, for the journal, the audit (features F69) and the agent that follows.
         *
         *         `object`: ephemeral_container, job or pod, with `name` and `uid` of what can be deleted (empty for an ephemeral container, which
         *         cannot). `mounts`: the node's paths, with `:ro`, `:rw`, or `:ro-shallow` where what is mounted below can be written. `reused`: it was
         *         there before, from another session of the same user. `held`: its shells outlive the agent that started them.
         */
        MadeContainer: {
            object: string;
            namespace: string;
            pod: string;
            pod_uid: string;
            container: string;
            /** @default  */
            node?: string;
            /** @default  */
            name?: string;
            /** @default  */
            uid?: string;
            /** @default  */
            image?: string;
            /** @default  */
            image_id?: string;
            /** @default  */
            profile?: string;
            /** @default  */
            target?: string;
            /** @default [] */
            capabilities?: string[];
            /** @default [] */
            mounts?: string[];
            /** @default false */
            host_pid?: boolean;
            /** @default false */
            reused?: boolean;
            /** @default false */
            held?: boolean;
        };
        /** Me */
        Me: {
            user: components["schemas"]["User"];
            page_token: string;
            gateway: components["schemas"]["GatewayInfo"];
            idle_timeout_seconds: number;
        };
        /** MountRow */
        MountRow: {
            path: string;
            volume: string;
            /** @default false */
            read_only?: boolean;
        };
        /** NamespaceRow */
        NamespaceRow: {
            uid: string;
            name: string;
            status: string;
            created_at: string;
            /** @default  */
            pod_security?: string;
        };
        /**
         * NodeRow
         * @description A node. `status` is what kubectl prints; `reason` says why it is not ready. `pressure`: MemoryPressure and the like that hold.
         *
         *         `pods`: how many are on it and have not ended.
         */
        NodeRow: {
            uid: string;
            name: string;
            status: string;
            created_at: string;
            /** @default [] */
            roles?: string[];
            /** @default  */
            version?: string;
            /** @default linux */
            os?: string;
            /** @default {} */
            labels?: {
                [key: string]: string;
            };
            /** @default [] */
            taints?: string[];
            /** @default [] */
            conditions?: string[];
            /** @default  */
            reason?: string;
            /** @default false */
            unschedulable?: boolean;
            /** @default [] */
            pressure?: string[];
            /** @default 0 */
            pods?: number;
            /** @default  */
            runtime?: string;
            /** @default  */
            os_image?: string;
            /** @default  */
            kernel?: string;
            /** @default  */
            architecture?: string;
            /** @default [] */
            addresses?: string[];
        };
        /**
         * Notice
         * @description Something the viewer shows beside the terminal, never in it. Kinds and their data: spec/terminal.md 5.
         */
        Notice: {
            kind: string;
            /** @default {} */
            data?: {
                [key: string]: string | number | boolean | string[] | null;
            };
        };
        /**
         * OpenSessionBody
         * @description Which shell to open. `command` empty: choose a shell.
         *
         *         `exec`: in a running container; `container` may be empty only when the pod has one. `debug`: in a tools container in `pod`. `node`: in a
         *         tools pod on `node`, without namespace and pod. Which fields belong to which kind: openings.py.
         */
        OpenSessionBody: {
            cluster: string;
            /** @default  */
            namespace?: string;
            /** @default  */
            pod?: string;
            /** @default  */
            container?: string;
            /**
             * @default exec
             * @enum {unknown}
             */
            kind?: "debug" | "exec" | "node";
            /** @default  */
            node?: string;
            /** @default null */
            debug?: components["schemas"]["DebugOptions"] | null;
            /** @default [] */
            command?: string[];
            /** @default true */
            tty?: boolean;
            /** @default true */
            stdin?: boolean;
            /** @default 80 */
            cols?: number;
            /** @default 24 */
            rows?: number;
            /** @default  */
            reason?: string;
        };
        /**
         * OpenedSession
         * @description `ticket` opens one terminal socket of this session until `expires_at`.
         */
        OpenedSession: {
            session: components["schemas"]["Session"];
            ticket: string;
            expires_at: string;
        };
        /**
         * OwnerRow
         * @description One link of an owner chain.
         */
        OwnerRow: {
            kind: string;
            name: string;
            /** @default  */
            uid?: string;
        };
        /**
         * PodDetails
         * @description A pod as its drawer shows it; `status`, `ready`, `shell_refusal` and the like as in PodRow.
         *
         *         `owners` goes from the nearest to the farthest. `annotations_left_out` names those that are not shown: `last-applied`, and what is
         *         too many.
         */
        PodDetails: {
            uid: string;
            namespace: string;
            name: string;
            phase: string;
            status: string;
            ready: string;
            restarts: number;
            created_at: string;
            /** @default  */
            started_at?: string;
            /** @default  */
            deleted_at?: string;
            /** @default null */
            grace_seconds?: number | null;
            /** @default  */
            reason?: string;
            /** @default  */
            message?: string;
            /** @default  */
            node?: string;
            /** @default [] */
            ips?: string[];
            /** @default  */
            host_ip?: string;
            /** @default  */
            service_account?: string;
            /** @default  */
            qos?: string;
            /** @default  */
            priority_class?: string;
            /** @default  */
            runtime_class?: string;
            /** @default  */
            scheduler?: string;
            /** @default  */
            restart_policy?: string;
            /** @default linux */
            os?: string;
            /** @default {} */
            labels?: {
                [key: string]: string;
            };
            /** @default {} */
            annotations?: {
                [key: string]: string;
            };
            /** @default [] */
            annotations_left_out?: string[];
            /** @default {} */
            node_selector?: {
                [key: string]: string;
            };
            /** @default [] */
            owners?: components["schemas"]["OwnerRow"][];
            /** @default [] */
            conditions?: components["schemas"]["ConditionRow"][];
            /** @default [] */
            containers?: components["schemas"]["ContainerDetails"][];
            /** @default  */
            default_container?: string;
            /** @default [] */
            volumes?: components["schemas"]["VolumeRow"][];
            /** @default [] */
            tolerations?: string[];
            /** @default [] */
            security?: string[];
            /** @default  */
            shell_refusal?: string;
        };
        /**
         * PodRow
         * @description A pod as lists show it. `status` is what kubectl prints (Running, CrashLoopBackOff, Terminating, ...).
         *
         *         `shell_refusal` empty: a shell can be opened now; else why not, as one sentence.
         */
        PodRow: {
            uid: string;
            namespace: string;
            name: string;
            phase: string;
            status: string;
            ready: string;
            restarts: number;
            created_at: string;
            /** @default  */
            node?: string;
            /** @default  */
            ip?: string;
            /** @default  */
            owner_kind?: string;
            /** @default  */
            owner?: string;
            /** @default  */
            owner_uid?: string;
            /** @default {} */
            labels?: {
                [key: string]: string;
            };
            /** @default [] */
            containers?: components["schemas"]["ContainerRow"][];
            /** @default  */
            default_container?: string;
            /** @default linux */
            os?: string;
            /** @default  */
            shell_refusal?: string;
        };
        /**
         * Position
         * @description A place in a session's output: offsets count from 0 in each `epoch` (one life of the agent process).
         */
        Position: {
            epoch: string;
            offset: number;
        };
        /**
         * Refusal
         * @description One refusal or failure as it travels: over the link (msgpack), to the browser and the command line (JSON).
         *
         *         `message` is one sentence that is safe to show; `next_step` says what to do; `details` holds short texts such as the missing verb.
         */
        Refusal: {
            code: components["schemas"]["ErrorCode"];
            refused_by: components["schemas"]["RefusedBy"];
            message: string;
            /** @default  */
            next_step?: string;
            /** @default {} */
            details?: {
                [key: string]: string | string[];
            };
        };
        /**
         * RefusedBy
         * @description Who said no.
         * @enum {unknown}
         */
        RefusedBy: "admission" | "agent" | "ceiling" | "gateway" | "kubernetes" | "node" | "pod_security" | "policy" | "runtime";
        /** ServiceRow */
        ServiceRow: {
            uid: string;
            namespace: string;
            name: string;
            type: string;
            created_at: string;
            /** @default  */
            cluster_ip?: string;
            /** @default [] */
            ports?: string[];
            /** @default {} */
            selector?: {
                [key: string]: string;
            };
        };
        /**
         * Session
         * @description `node`: of a node session the node asked for, of others that of the pod, once it is known. `debug`: what was asked for, of debug and
         *         node sessions; `made`: the container that was made for it, once it is there. Both leave out what is empty.
         */
        Session: {
            id: string;
            /** @enum {unknown} */
            kind: "debug" | "exec" | "node";
            /** @enum {unknown} */
            state: "ended" | "opening" | "restarting" | "running";
            cluster: string;
            namespace: string;
            pod: string;
            container: string;
            command: string[];
            tty: boolean;
            user: string;
            reason: string;
            created_at: string;
            started_at: string | null;
            ended_at: string | null;
            end: components["schemas"]["End"] | null;
            epoch: string;
            incarnation: number;
            idle_timeout_seconds: number;
            recorded: boolean;
            node: string;
            debug: components["schemas"]["DebugRequest"] | null;
            made: components["schemas"]["MadeContainer"] | null;
        };
        /**
         * SignedIn
         * @description `page_token` goes into the header X-Podshell-Token of every state-changing call.
         */
        SignedIn: {
            user: components["schemas"]["User"];
            page_token: string;
        };
        /**
         * SigninBody
         * @description The secret from the fragment of a one-time sign-in link.
         */
        SigninBody: {
            secret: string;
        };
        /**
         * TerminalError
         * @description Why the socket is about to close, or never attached. `retry_after_ms` set: try again after it.
         */
        TerminalError: {
            refusal: components["schemas"]["Refusal"];
            /** @default null */
            retry_after_ms?: number | null;
        };
        /**
         * TerminalHello
         * @description Client, first message, within 5 s: the ticket and what it has already. Nothing is allocated before it is accepted.
         */
        TerminalHello: {
            ticket: string;
            session: string;
            viewer: string;
            /** @default null */
            resume?: components["schemas"]["Position"] | null;
            /** @default owner */
            role?: string;
            /** @default null */
            cols?: number | null;
            /** @default null */
            rows?: number | null;
            /** @default true */
            visible?: boolean;
            /** @default 262144 */
            window?: number;
            /** @default  */
            client?: string;
        };
        /**
         * TerminationRow
         * @description How a container's run ended. `signal` is 0 when none is known.
         */
        TerminationRow: {
            exit_code: number;
            /** @default  */
            reason?: string;
            /** @default  */
            message?: string;
            /** @default 0 */
            signal?: number;
            /** @default  */
            started_at?: string;
            /** @default  */
            finished_at?: string;
        };
        /** Ticket */
        Ticket: {
            ticket: string;
            expires_at: string;
        };
        /** TicketBody */
        TicketBody: {
            /** @enum {unknown} */
            purpose: "live";
        };
        /** User */
        User: {
            name: string;
            role: string;
        };
        /**
         * VolumeRow
         * @description A volume of a pod: `kind` is the field that is set (configMap, secret, persistentVolumeClaim, ...), `source` what it names.
         */
        VolumeRow: {
            name: string;
            /** @default  */
            kind?: string;
            /** @default  */
            source?: string;
        };
        /**
         * WorkloadRow
         * @description A Deployment, StatefulSet, DaemonSet or Job.
         *
         *         `health`: healthy, progressing or unhealthy, with one sentence (agent/health.py). `pods`: how many it has, being deleted or not.
         */
        WorkloadRow: {
            uid: string;
            kind: string;
            namespace: string;
            name: string;
            created_at: string;
            /** @default 0 */
            ready?: number;
            /** @default 0 */
            desired?: number;
            /** @default [] */
            images?: string[];
            /** @default {} */
            labels?: {
                [key: string]: string;
            };
            /** @default {} */
            selector?: {
                [key: string]: string;
            };
            /** @default  */
            health?: string;
            /** @default  */
            reason?: string;
            /** @default 0 */
            updated?: number;
            /** @default 0 */
            pods?: number;
            /** @default false */
            paused?: boolean;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    signIn: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SigninBody"];
            };
        };
        responses: {
            /** @description Exchange the secret of a sign-in link */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignedIn"];
                };
            };
            /** @description Refused or failed */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    signOut: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Sign out this browser */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused or failed */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    getMe: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Who is signed in, and to what */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Me"];
                };
            };
            /** @description Refused or failed */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    listClusters: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All clusters and their agents */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Cluster"][];
                };
            };
            /** @description Refused or failed */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    addCluster: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ClusterBody"];
            };
        };
        responses: {
            /** @description Get a one-time token with which an agent joins */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Enrolment"];
                };
            };
            /** @description Refused or failed */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    listPods: {
        parameters: {
            query?: {
                namespace?: string;
            };
            header?: never;
            path: {
                cluster: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Pods of a cluster or namespace */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PodRow"][];
                };
            };
            /** @description Refused or failed */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    getPod: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                cluster: string;
                namespace: string;
                pod: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One pod as the agent knows it */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PodRow"];
                };
            };
            /** @description Refused or failed */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    deletePod: {
        parameters: {
            query?: {
                uid?: string;
                grace_seconds?: number | null;
                reason?: string;
            };
            header?: never;
            path: {
                cluster: string;
                namespace: string;
                pod: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Delete a pod */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeletedPod"];
                };
            };
            /** @description Refused or failed */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    getPodDetails: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                cluster: string;
                namespace: string;
                pod: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One pod with everything that is known of it */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PodDetails"];
                };
            };
            /** @description Refused or failed */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    listPodEvents: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                cluster: string;
                namespace: string;
                pod: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The Kubernetes events of a pod */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventRow"][];
                };
            };
            /** @description Refused or failed */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    listSessions: {
        parameters: {
            query?: {
                state?: "live" | "all";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Sessions of the caller */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"][];
                };
            };
            /** @description Refused or failed */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    openSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["OpenSessionBody"];
            };
        };
        responses: {
            /** @description Open a shell */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenedSession"];
                };
            };
            /** @description Refused or failed */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    planSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["OpenSessionBody"];
            };
        };
        responses: {
            /** @description Show what a debug or node session would make */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DebugPlan"];
                };
            };
            /** @description Refused or failed */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    getSession: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                session: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One session */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            /** @description Refused or failed */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    closeSession: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                session: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description End a session */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused or failed */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    makeSessionTicket: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                session: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get a ticket for a terminal socket */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ticket"];
                };
            };
            /** @description Refused or failed */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    makeTicket: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TicketBody"];
            };
        };
        responses: {
            /** @description Get a ticket for the live socket */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ticket"];
                };
            };
            /** @description Refused or failed */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    listAudit: {
        parameters: {
            query?: {
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The newest rows of the audit */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditRow"][];
                };
            };
            /** @description Refused or failed */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    getHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The process lives */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            /** @description Refused or failed */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    getReadiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description New work is welcome */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            /** @description Refused or failed */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
}
