/** What is around every page: the head with scheme and user, and the pages at the left. */

import { ActionIcon, Kbd, Menu, Tooltip, UnstyledButton, useMantineColorScheme } from "@mantine/core";
import { signOut } from "../api/client";
import type { Me } from "../api/types";
import { showOverlay } from "../palette/state";
import { useOpenSessions } from "../sessions/rows";
import { text } from "../text";
import { Icon, type IconName } from "./icons";
import { follow, linkTo, usePlace, useScope } from "./location";
import type { Place } from "./routes";
import { keyCaps } from "./shortcuts";
import { ScopeControl } from "./ScopeControl";

const PAGES: { place: Place; label: string; icon: IconName }[] = [
  { place: { page: "clusters" }, label: text.nav.clusters, icon: "clusters" },
  { place: { page: "pods", pod: null }, label: text.nav.pods, icon: "pods" },
  { place: { page: "services", workload: null }, label: text.nav.services, icon: "services" },
  { place: { page: "nodes", node: null }, label: text.nav.nodes, icon: "nodes" },
  { place: { page: "sessions", id: "" }, label: text.nav.sessions, icon: "sessions" },
];
const SCHEMES = [
  ["light", "sun"],
  ["dark", "moon"],
  ["auto", "system"],
] as const;

export function Header({ me }: { me: Me }) {
  useScope();
  return (
    <header className="top">
      <a className="brand" aria-label={text.product} href={linkTo({ page: "pods", pod: null })} onClick={follow}>
        <img src="/icon.svg" alt="" width={22} height={22} />
        <span>{text.product}</span>
      </a>
      <ScopeControl />
      <div className="top-right">
        <Tooltip label={text.shortcuts.palette}>
          <UnstyledButton className="search-button" onClick={() => showOverlay("palette")}>
            <Icon name="search" size={14} />
            <span className="dim">
              {text.palette.button}
              <span className="sr-only"> {text.palette.andCommands}</span>
            </span>
            <span className="key-caps" aria-hidden="true">
              {keyCaps("Mod+K").map((cap) => (
                <Kbd key={cap} size="xs">
                  {cap}
                </Kbd>
              ))}
            </span>
          </UnstyledButton>
        </Tooltip>
        <span className="desk-only">
          <SchemeMenu />
        </span>
        <Menu position="bottom-end">
          <Menu.Target>
            <ActionIcon variant="subtle" color="gray" aria-label={text.user.signedInAs(me.user.name)}>
              <Icon name="user" size={17} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Label>{text.user.signedInAs(me.user.name)}</Menu.Label>
            <Menu.Label>{text.user.version(me.gateway.version)}</Menu.Label>
            <div className="phone-only">
              <Menu.Divider />
              <SchemeItems />
            </div>
            <Menu.Divider />
            <Menu.Item leftSection={<Icon name="keyboard" size={14} />} onClick={() => showOverlay("help")}>
              {text.shortcuts.help}
            </Menu.Item>
            <Menu.Item onClick={() => void signOut().finally(() => location.reload())}>{text.user.signOut}</Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </div>
    </header>
  );
}

function SchemeMenu() {
  const { colorScheme } = useMantineColorScheme();
  const now = SCHEMES.find(([scheme]) => scheme === colorScheme) ?? SCHEMES[2];
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={`${text.scheme.label}: ${text.scheme[now[0]]}`}>
          <Icon name={now[1]} size={17} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <SchemeItems />
      </Menu.Dropdown>
    </Menu>
  );
}

function SchemeItems() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <>
      {SCHEMES.map(([scheme, icon]) => (
        <Menu.Item
          key={scheme}
          leftSection={<Icon name={icon} size={14} />}
          onClick={() => setColorScheme(scheme)}
          aria-current={scheme === colorScheme}
          fw={scheme === colorScheme ? 600 : 400}
        >
          {text.scheme[scheme]}
        </Menu.Item>
      ))}
    </>
  );
}

/** The pages: beside them at the left, on a phone in a bar at the bottom. */
export function Rail() {
  const here = usePlace().page;
  useScope(); // links carry it
  const open = useOpenSessions();
  return (
    <nav className="rail" aria-label={text.nav.label}>
      {PAGES.map(({ place, label, icon }) => (
        <a
          key={place.page}
          href={linkTo(place)}
          className={here === place.page ? "here" : ""}
          {...(here === place.page ? { "aria-current": "page" as const } : {})}
          onClick={follow}
        >
          <Icon name={icon} size={17} />
          <span>{label}</span>
          {place.page === "sessions" && open > 0 && (
            <span className="tag number" title={text.sessions.count(open)}>
              {open}
              <span className="sr-only"> {text.nav.open}</span>
            </span>
          )}
        </a>
      ))}
    </nav>
  );
}
