/**
 * The console's addresses as values, and back: pure. docs/explanation/console.md lists them.
 *
 * Names stand in the path percent-encoded, one a segment, so that a cluster called `team/prod` or a node with dots is one name.
 */

export interface ObjectName {
  cluster: string;
  namespace: string;
  name: string;
}

export interface WorkloadName extends ObjectName {
  kind: string;
}

export interface NodeName {
  cluster: string;
  name: string;
}

export type Place =
  | { page: "clusters" }
  | { page: "pods"; pod: ObjectName | null }
  | { page: "services"; workload: WorkloadName | null }
  | { page: "nodes"; node: NodeName | null }
  | { page: "sessions"; id: string }
  | { page: "open" }
  | { page: "start" }
  | { page: "unknown" };

export type PageName = Exclude<Place["page"], "start" | "unknown" | "open">;

/** Read a path; what no page answers to is `unknown`. */
export function placeOf(path: string): Place {
  const [page = "", ...names] = segments(path);
  const [first = "", second = "", third = "", fourth = ""] = names;
  const count = names.length;
  switch (page) {
    case "":
      return { page: "start" };
    case "clusters":
      return count === 0 ? { page } : { page: "unknown" };
    case "pods":
      if (count === 0) return { page, pod: null };
      return count === 3 ? { page, pod: { cluster: first, namespace: second, name: third } } : { page: "unknown" };
    case "services":
      if (count === 0) return { page, workload: null };
      return count === 4
        ? { page, workload: { cluster: first, namespace: second, kind: third, name: fourth } }
        : { page: "unknown" };
    case "nodes":
      if (count === 0) return { page, node: null };
      return count === 2 ? { page, node: { cluster: first, name: second } } : { page: "unknown" };
    case "sessions":
      return count <= 1 ? { page, id: first } : { page: "unknown" };
    case "open":
      return count === 0 ? { page } : { page: "unknown" };
    default:
      return { page: "unknown" };
  }
}

/** Write a place as a path; the inverse of `placeOf`. */
export function pathOf(place: Place): string {
  return `/${partsOf(place).map(encodeURIComponent).join("/")}`;
}

function partsOf(place: Place): string[] {
  switch (place.page) {
    case "pods":
      return place.pod ? ["pods", place.pod.cluster, place.pod.namespace, place.pod.name] : ["pods"];
    case "services": {
      const { workload } = place;
      return workload ? ["services", workload.cluster, workload.namespace, workload.kind, workload.name] : ["services"];
    }
    case "nodes":
      return place.node ? ["nodes", place.node.cluster, place.node.name] : ["nodes"];
    case "sessions":
      return place.id ? ["sessions", place.id] : ["sessions"];
    case "start":
    case "unknown":
      return [""];
    default:
      return [place.page];
  }
}

function segments(path: string): string[] {
  return path
    .split("/")
    .filter(Boolean)
    .map((segment) => {
      try {
        return decodeURIComponent(segment);
      } catch {
        return segment; // a lone percent sign that somebody typed: a name that nothing has
      }
    });
}

export type Parameters = Readonly<Record<string, string>>;

export function parametersOf(query: string): Parameters {
  return Object.fromEntries(new URLSearchParams(query));
}

/** Write an address; empty parameters are left out. */
export function addressOf(place: Place, parameters: Parameters = {}): string {
  return pathOf(place) + queryOf(parameters);
}

export function queryOf(parameters: Parameters): string {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== ""));
  const text = query.toString();
  return text && `?${text}`;
}

/** Which part of everything the pages show; empty: all. It goes along from page to page. */
export interface Scope {
  cluster: string;
  namespace: string;
}

export const EVERYWHERE: Scope = { cluster: "", namespace: "" };

export function scopeOf(parameters: Parameters): Scope {
  return { cluster: parameters.cluster ?? "", namespace: parameters.namespace ?? "" };
}

/** True when something of this cluster and namespace is in the scope; what has no namespace is in every one. */
export function inScope(scope: Scope, cluster: string, namespace = ""): boolean {
  return (
    (scope.cluster === "" || scope.cluster === cluster) &&
    (scope.namespace === "" || namespace === "" || scope.namespace === namespace)
  );
}
