/** A cluster's name with its colour, and with its owner's label: whole, or in narrow places only when it says production. */

import { type ClusterMark, useClusterMark } from "./clusters";
import { inkOn } from "./colours";

export function ClusterName({ name, whole = false }: { name: string; whole?: boolean }) {
  const mark = useClusterMark(name);
  return (
    <span className="cluster-name">
      <span className="cluster-dot" style={{ background: mark.colour }} aria-hidden="true" />
      <span className="cut">{name}</span>
      {(whole || mark.production) && <ClusterTag mark={mark} />}
    </span>
  );
}

/** The owner's label; production's stands in the cluster's own colour. */
export function ClusterTag({ mark }: { mark: ClusterMark }) {
  if (!mark.label) return null;
  const style = mark.production ? { background: mark.colour, color: inkOn(mark.colour) } : {};
  return (
    <span className={`cluster-tag cut${mark.production ? " production" : ""}`} style={style} title={mark.label}>
      {mark.label}
    </span>
  );
}
