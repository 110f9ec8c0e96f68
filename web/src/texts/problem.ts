/** Texts: Refusals and failures. */

export const problem = {
  title: "The shell was not opened",
  by: {
    gateway: "the gateway",
    policy: "your organisation's policy",
    agent: "the cluster's agent",
    ceiling: "the cluster's owner (the agent's ceiling)",
    kubernetes: "Kubernetes access rules (RBAC)",
    pod_security: "Pod Security",
    admission: "an admission webhook",
    node: "the node",
    runtime: "the container runtime",
  } as Record<string, string>,
  refusedBy: (who: string) => `Refused by ${who}`,
  unreachable: "The gateway does not answer.",
  unreachableNext: "Check that Podshell is still running, then try again.",
  unknown: (status: number) => `The gateway answered with status ${status}.`,
  events: "Last events",
  next: "What you can do",
  notEnded: "The session could not be ended from here now. It closes by itself when it is idle.",
};
