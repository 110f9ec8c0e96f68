import { useClusterColour } from "./clusters";

/** A cluster's name with its colour. */
export function ClusterName({ name }: { name: string }) {
  const colour = useClusterColour(name);
  return (
    <span className="cluster-name">
      <span className="cluster-dot" style={{ background: colour }} aria-hidden="true" />
      <span className="cut">{name}</span>
    </span>
  );
}
