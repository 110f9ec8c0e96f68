import { afterEach, expect, it, vi } from "vitest";
import type { Batch } from "../api/live";
import { queries } from "../api/queries";
import type { Cluster } from "../api/types";
import { askForClusters, receiveClusters } from "./clusters";

const answers: ((clusters: Cluster[]) => void)[] = [];

vi.mock("../api/client", async (original) => ({
  ...(await original<object>()),
  fetchClusters: () => new Promise<Cluster[]>((resolve) => answers.push(resolve)),
}));

function cluster(name: string, label: string): Cluster {
  return { name, label, colour: "", state: "online", kubernetes_version: "", agents: [], ceiling: {} } as Cluster;
}

function batch(set: Cluster[], reset = false): Batch {
  return { reset, set, removed: [] } as unknown as Batch;
}

const known = () => queries.getQueryData<Cluster[]>(["clusters"])?.map((each) => `${each.name} ${each.label}`.trim());

afterEach(() => {
  queries.clear();
  answers.length = 0;
});

it("does not take an answer that is older than what the live socket told", async () => {
  receiveClusters(batch([cluster("east", ""), cluster("west", "")], true));
  const asked = queries.fetchQuery({ queryKey: ["clusters"], queryFn: askForClusters, staleTime: 0 });
  receiveClusters(batch([cluster("west", "Production")]));
  answers[0]?.([cluster("east", ""), cluster("west", "")]);
  await asked;
  expect(known()).toEqual(["east", "west Production"]);
});

it("takes an answer that nothing newer was told beside", async () => {
  receiveClusters(batch([cluster("east", "old")], true));
  const asked = queries.fetchQuery({ queryKey: ["clusters"], queryFn: askForClusters, staleTime: 0 });
  answers[0]?.([cluster("east", "new")]);
  await asked;
  expect(known()).toEqual(["east new"]);
});

it("does not take a change for the whole when nothing is known yet", async () => {
  const asked = queries.fetchQuery({ queryKey: ["clusters"], queryFn: askForClusters, staleTime: 0 });
  receiveClusters(batch([cluster("west", "Production")]));
  expect(known()).toBeUndefined();
  answers.at(-1)?.([cluster("east", ""), cluster("west", "Production")]);
  answers[0]?.([cluster("east", ""), cluster("west", "Production")]);
  await asked;
  expect(known()).toEqual(["east", "west Production"]);
});
