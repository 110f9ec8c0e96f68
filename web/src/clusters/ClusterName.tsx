/**
 * A cluster's name with its colour. A production cluster's name is filled with it, so that shape and colour tell it in the narrowest
 * column; the owner's label in words stands beside the name where there is room.
 */

import { type ClusterMark, useClusterMark } from "./clusters";
import { inkOn } from "./colours";

export function ClusterName({ name, whole = false }: { name: string; whole?: boolean }) {
  const mark = useClusterMark(name);
  if (mark.production && !whole)
    return (
      <span className="cluster-name" title={`${name}, ${mark.label}`}>
        <span className="cluster-filled cut" style={{ background: mark.colour, color: inkOn(mark.colour) }}>
          {name}
        </span>
        <span className="sr-only">, {mark.label}</span>
      </span>
    );
  return (
    <span className="cluster-name">
      <span className="cluster-dot" style={{ background: mark.colour }} aria-hidden="true" />
      <span className="cut">{name}</span>
      {whole && <ClusterTag mark={mark} />}
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
