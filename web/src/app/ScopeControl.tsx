/** Which cluster and namespace all pages show: in the head, in the address, and remembered. */

import { Select } from "@mantine/core";
import { ClusterName } from "../clusters/ClusterName";
import { useClusterMark, useClusters } from "../clusters/clusters";
import { useNamespaces } from "../clusters/namespaces";
import { text } from "../text";
import { setScope, useScope } from "./location";

const ALL = "*";
const words = text.scope;

export function ScopeControl() {
  const { cluster, namespace } = useScope();
  const { clusters } = useClusters();
  const mark = useClusterMark(cluster);
  const names = clusters.map((each) => each.name);
  const known = cluster && !names.includes(cluster) ? [...names, cluster] : names;
  const namespaces = useNamespaces(namespace);
  return (
    <div className="scope" role="group" aria-label={words.label}>
      <Select
        aria-label={text.clusters.label}
        data={[{ value: ALL, label: text.clusters.all }, ...known]}
        value={cluster || ALL}
        allowDeselect={false}
        checkIconPosition="right"
        comboboxProps={{ width: "max-content", position: "bottom-start" }}
        {...(cluster
          ? { leftSection: <span className="cluster-dot" style={{ background: mark.colour }} aria-hidden="true" /> }
          : {})}
        renderOption={({ option }) => (option.value === ALL ? option.label : <ClusterName name={option.value} whole />)}
        onChange={(value) => value && setScope({ cluster: value === ALL ? "" : value, namespace })}
      />
      <Select
        aria-label={text.pods.namespace}
        data={[{ value: ALL, label: text.pods.allNamespaces }, ...namespaces]}
        value={namespace || ALL}
        searchable
        allowDeselect={false}
        checkIconPosition="right"
        comboboxProps={{ width: "max-content", position: "bottom-start" }}
        nothingFoundMessage={words.noNamespace}
        onChange={(value) => value && setScope({ cluster, namespace: value === ALL ? "" : value })}
      />
    </div>
  );
}

/** A band over every page while all that it shows is of a production cluster. */
export function ProductionBand() {
  const { cluster } = useScope();
  const mark = useClusterMark(cluster);
  if (!cluster || !mark.production) return null;
  return (
    <section
      className="production-band"
      aria-label={mark.label}
      style={{ "--band": mark.colour } as React.CSSProperties}
    >
      <p>
        <strong>{mark.label}</strong> {words.production(cluster)}
      </p>
    </section>
  );
}
