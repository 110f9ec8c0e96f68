/** What opening would make, what that means, and what would refuse it. What comes from the cluster is text and nothing else. */

import { Button } from "@mantine/core";
import type { ApiFailure } from "../api/client";
import type { DebugPlan } from "../api/types";
import { Icon } from "../app/icons";
import { Facts } from "../app/PageParts";
import { FailureText, RefusalText } from "../app/ProblemDialog";
import { text } from "../text";
import { sentence } from "../texts/sentences";
import type { ToolsTarget } from "./form";
import type { Planned } from "./plan";

const words = text.debug;

interface Props {
  kind: ToolsTarget["kind"];
  planned: Planned;
  /** What is wrong with the form itself; empty: nothing. */
  problem: string;
  /** Why the last attempt to open came to nothing. */
  failure: ApiFailure | null;
}

export function PlanView({ kind, planned, problem, failure }: Props) {
  const { plan, waiting } = planned;
  const refused = planned.failure ?? failure;
  const refusal = plan?.refusal && { next_step: "", details: {}, ...plan.refusal };
  const shown = planned.failure || problem ? null : plan;
  return (
    <section aria-label={words.outcome} aria-busy={waiting}>
      <h3>{words.outcome}</h3>
      <div role="status" className="debug-verdict">
        {problem && (
          <Refused title={words.notNow}>
            <p>{problem}</p>
          </Refused>
        )}
        {!problem && refused && <Failed failure={refused} asking={refused === planned.failure} retry={planned.retry} />}
        {!problem && !refused && refusal && (
          <Refused title={words.refused}>
            <RefusalText refusal={refusal} />
          </Refused>
        )}
        {!plan && waiting && <p className="dim">{words.planning} …</p>}
      </div>
      {shown && <Made plan={shown} kind={kind} />}
    </section>
  );
}

function Failed({ failure, asking, retry }: { failure: ApiFailure; asking: boolean; retry(): void }) {
  return (
    <Refused title={failure.refusal ? words.refused : words.failed}>
      <FailureText failure={failure} />
      {asking && (
        <Button size="compact-xs" variant="default" onClick={retry}>
          {text.retry}
        </Button>
      )}
    </Refused>
  );
}

function Refused({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <div className="debug-refused">
      <strong>
        <Icon name="warning" size={15} /> {title}
      </strong>
      {children}
    </div>
  );
}

function Made({ plan, kind }: { plan: DebugPlan; kind: ToolsTarget["kind"] }) {
  const dangers = plan.dangers ?? 0;
  return (
    <>
      <ul className="debug-risks" aria-label={words.risks}>
        {plan.risks.map((risk, index) => (
          <Risk key={risk} danger={index < dangers} risk={risk} />
        ))}
        {kind === "node" && <Risk danger={false} risk={words.after.node} />}
      </ul>
      <Facts
        facts={[
          [words.made, words.object[plan.object]?.(plan.namespace) ?? plan.object],
          [words.image, plan.image && <span className="mono">{plan.image}</span>],
          [words.podSecurity, plan.pod_security ? words.level(plan.pod_security) : words.noPodSecurity],
          [words.needs, plan.actions.join(", ")],
          [
            words.livesFor,
            plan.ttl_seconds > 0 ? (words.lives[plan.ttl_seconds] ?? words.lifeOf(plan.ttl_seconds)) : "",
          ],
        ]}
      />
      <details className="debug-manifest">
        <summary>{words.manifest}</summary>
        <pre className="mono" role="region" tabIndex={0} aria-label={words.manifest}>
          {plan.manifest}
        </pre>
      </details>
    </>
  );
}

function Risk({ danger, risk }: { danger: boolean; risk: string }) {
  return (
    <li className={danger ? "debug-danger" : "debug-note"}>
      <Icon name={danger ? "warning" : "dot"} size={15} />
      <span>
        {danger && <strong>{words.danger}: </strong>}
        {danger ? risk : sentence(risk)}
      </span>
    </li>
  );
}
