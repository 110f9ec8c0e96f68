/** What a list lacks now, and why: clusters whose agent is away, and parts that somebody refused. */

import type { RowsState } from "../api/rows";
import { Icon } from "../app/icons";
import { RefusalText } from "../app/ProblemDialog";
import { text } from "../text";
import { useClusters, useClustersInScope } from "./clusters";

interface Props {
  refusals: RowsState<unknown>["refusals"];
  /** What could not be listed of a cluster, as one sentence. */
  refused(cluster: string): string;
}

/** The clusters in scope whose agent is not connected. */
export function useOffline(): string[] {
  const { clusters } = useClusters();
  const names = useClustersInScope();
  return clusters.filter(({ name, state }) => state === "offline" && names.includes(name)).map(({ name }) => name);
}

export function Notices({ refusals, refused }: Props) {
  const away = refusals.filter(({ refusal }) => refusal.code === "agent_offline").map(({ part }) => part);
  const offline = [...new Set([...useOffline(), ...away])];
  return (
    <>
      {offline.length > 0 && (
        <p className="notice" role="status">
          <Icon name="cut" size={14} />
          <span>
            <strong>{text.clusters.offline(offline.join(", "))}.</strong> {text.clusters.offlineText}
          </span>
        </p>
      )}
      {refusals
        .filter(({ part }) => !offline.includes(part))
        .map(({ part, refusal }) => (
          <div className="notice" key={part} role="status">
            <Icon name="warning" size={14} />
            <div>
              <strong>{refused(part)}</strong>
              <RefusalText refusal={refusal} />
            </div>
          </div>
        ))}
    </>
  );
}
