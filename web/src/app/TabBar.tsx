/** Tabs whose choice stands in the address, as `tab` or what else is said; arrow keys go from one to the next (WAI-ARIA, tabs). */

import type { KeyboardEvent, ReactNode } from "react";
import { setParameters, useParameters } from "./location";

interface Props<Name extends string> {
  label: string;
  tabs: readonly { name: Name; title: ReactNode }[];
  /** The parameter of the address. */
  parameter?: string;
}

/** The tab in the address, else the first. */
export function useTab<Name extends string>(tabs: readonly { name: Name }[], parameter = "tab"): Name {
  const wanted = useParameters()[parameter];
  return (tabs.find((tab) => tab.name === wanted) ?? (tabs[0] as { name: Name })).name;
}

export function TabBar<Name extends string>({ label, tabs, parameter = "tab" }: Props<Name>) {
  const chosen = useTab(tabs, parameter);
  const choose = (name: Name): void => setParameters({ [parameter]: name === tabs[0]?.name ? "" : name }, true);
  const press = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const at = tabs.findIndex((tab) => tab.name === chosen);
    const next = tabs[(at + step + tabs.length) % tabs.length];
    if (step === 0 || !next) return;
    event.preventDefault();
    choose(next.name);
    document.getElementById(`${parameter}-${next.name}`)?.focus();
  };
  return (
    <div className="tab-bar" role="tablist" aria-label={label} onKeyDown={press}>
      {tabs.map(({ name, title }) => (
        <button
          type="button"
          role="tab"
          key={name}
          id={`${parameter}-${name}`}
          aria-selected={name === chosen}
          aria-controls={`${parameter}-panel`}
          tabIndex={name === chosen ? 0 : -1}
          onClick={() => choose(name)}
        >
          {title}
        </button>
      ))}
    </div>
  );
}

export function TabPanel({
  name,
  parameter = "tab",
  children,
}: {
  name: string;
  parameter?: string;
  children: ReactNode;
}) {
  return (
    <div
      className="tab-panel"
      role="tabpanel"
      id={`${parameter}-panel`}
      aria-labelledby={`${parameter}-${name}`}
      tabIndex={0}
    >
      {children}
    </div>
  );
}
