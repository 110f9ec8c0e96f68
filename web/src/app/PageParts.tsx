/** What pages are made of: the head with title and count, the search, what waits, and links. */

import { CloseButton, Skeleton, TextInput } from "@mantine/core";
import type { ReactNode } from "react";
import { text } from "../text";
import { Icon } from "./icons";
import { follow, linkTo, setParameters, useScope } from "./location";
import type { Parameters, Place } from "./routes";

export function PageHead({ title, status, children }: { title: string; status: string; children?: ReactNode }) {
  return (
    <header className="page-head">
      <h1 id="page-title">{title}</h1>
      <span className="dim number" role="status">
        {status}
      </span>
      {children && <div className="page-actions">{children}</div>}
    </header>
  );
}

/** A search whose words stand in the address as `q`. */
export function Search({ label, value }: { label: string; value: string }) {
  return (
    <TextInput
      className="filter-search"
      aria-label={label}
      placeholder={label}
      leftSection={<Icon name="search" size={14} />}
      value={value}
      rightSection={
        value && <CloseButton size="xs" aria-label={text.clearSearch} onClick={() => setParameters({ q: "" })} />
      }
      onChange={(event) => setParameters({ q: event.currentTarget.value })}
    />
  );
}

/** The place of rows that have not come yet. */
export function Skeletons({ label, rows = 12 }: { label: string; rows?: number }) {
  return (
    <div className="skeletons" aria-busy="true" aria-label={label} role="img">
      {Array.from({ length: rows }, (_, index) => (
        <Skeleton key={index} height={12} width={`${92 - ((index * 17) % 38)}%`} radius="sm" />
      ))}
    </div>
  );
}

interface LinkProps {
  to: Place;
  parameters?: Parameters;
  children: ReactNode;
  className?: string;
  title?: string;
}

/** A link to a place of the console, in the present scope. */
export function PlaceLink({ to, parameters = {}, children, className = "place", title }: LinkProps) {
  useScope(); // its address carries it
  return (
    <a className={className} href={linkTo(to, parameters)} onClick={follow} {...(title ? { title } : {})}>
      {children}
    </a>
  );
}

/** Names and what they are, in two columns. Empty ones are left out. */
export function Facts({ facts }: { facts: [string, ReactNode][] }) {
  return (
    <dl className="facts">
      {facts
        .filter(([, fact]) => fact !== "" && fact !== false && fact !== null && fact !== undefined)
        .map(([name, fact]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{fact}</dd>
          </div>
        ))}
    </dl>
  );
}

/** Words of which each stands alone: labels, taints, selectors. */
export function Words({ words }: { words: string[] }) {
  return words.length === 0 ? null : (
    <ul className="words">
      {words.map((word) => (
        <li key={word} className="mono">
          {word}
        </li>
      ))}
    </ul>
  );
}
