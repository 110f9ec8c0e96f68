/** The Info tab of a service: its facts. */

import { Facts, Words } from "../app/PageParts";
import { ClusterName } from "../clusters/ClusterName";
import { StatusMark } from "../pods/status";
import { text } from "../text";
import { healthTone, type Workload } from "./workloads";

const words = text.services;

const pairs = (map: Record<string, string>): string[] =>
  Object.entries(map).map(([key, value]) => (value ? `${key}=${value}` : key));

export function ServiceInfo({ workload }: { workload: Workload }) {
  const { kind, health, ready, desired, updated } = workload;
  return (
    <div className="padded">
      <Facts
        facts={[
          [words.info.kind, kind],
          [words.info.cluster, <ClusterName key="cluster" name={workload.cluster} whole />],
          [words.info.namespace, workload.namespace],
          [
            words.info.health,
            <span key="health">
              <StatusMark tone={healthTone(health)} label={words.healths[health] ?? health} />
              <p className="dim">{workload.reason}</p>
            </span>,
          ],
          [words.info.ready, words.readyLong(ready, desired)],
          [words.info.updated, kind === "Deployment" ? words.info.updatedOf(updated, desired) : ""],
          [words.info.pods, String(workload.pods)],
          [words.info.paused, workload.paused ? words.info.pausedText : ""],
          [words.info.created, <time key="created">{workload.created_at}</time>],
          [words.info.images, <Words key="images" words={workload.images} />],
          [words.info.selector, <Words key="selector" words={pairs(workload.selector)} />],
          [words.info.labels, <Words key="labels" words={pairs(workload.labels)} />],
          [
            words.info.uid,
            <span key="uid" className="mono">
              {workload.uid}
            </span>,
          ],
        ]}
      />
    </div>
  );
}
