/** What is around every page: the head with scheme and user, and the pages at the left. */

import { ActionIcon, Menu, useMantineColorScheme } from "@mantine/core";
import type { MouseEvent } from "react";
import { signOut } from "../api/client";
import type { Me } from "../api/types";
import { useDock } from "../dock/Dock";
import { text } from "../text";
import { Icon, type IconName } from "./icons";
import { navigate, usePath } from "./location";

const PAGES: { path: string; label: string; icon: IconName }[] = [
  { path: "/pods", label: text.nav.pods, icon: "pods" },
  { path: "/sessions", label: text.nav.sessions, icon: "sessions" },
];
const SCHEMES = [
  ["light", "sun"],
  ["dark", "moon"],
  ["auto", "system"],
] as const;

export function Header({ me }: { me: Me }) {
  return (
    <header className="top">
      <a className="brand" href="/pods" onClick={(event) => follow(event, "/pods")}>
        <img src="/icon.svg" alt="" width={22} height={22} />
        <span>{text.product}</span>
      </a>
      <div className="top-right">
        <SchemeMenu />
        <Menu position="bottom-end">
          <Menu.Target>
            <ActionIcon variant="subtle" color="gray" aria-label={text.user.signedInAs(me.user.name)}>
              <Icon name="user" size={17} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Label>{text.user.signedInAs(me.user.name)}</Menu.Label>
            <Menu.Label>{text.user.version(me.gateway.version)}</Menu.Label>
            <Menu.Divider />
            <Menu.Item onClick={() => void signOut().finally(() => location.reload())}>{text.user.signOut}</Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </div>
    </header>
  );
}

function SchemeMenu() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const now = SCHEMES.find(([scheme]) => scheme === colorScheme) ?? SCHEMES[2];
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={`${text.scheme.label}: ${text.scheme[now[0]]}`}>
          <Icon name={now[1]} size={17} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
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
      </Menu.Dropdown>
    </Menu>
  );
}

/** The pages; beside them at the left, on a phone in a row under the head. */
export function Rail() {
  const path = usePath();
  const { tabs } = useDock();
  const open = tabs.filter((tab) => !["ended", "refused"].includes(tab.view.phase)).length;
  return (
    <nav className="rail" aria-label={text.nav.label}>
      {PAGES.map((page) => {
        const here = path === page.path || path.startsWith(`${page.path}/`);
        return (
          <a
            key={page.path}
            href={page.path}
            className={here ? "here" : ""}
            {...(here ? { "aria-current": "page" as const } : {})}
            onClick={(event) => follow(event, page.path)}
          >
            <Icon name={page.icon} size={17} />
            <span>{page.label}</span>
            {page.path === "/sessions" && open > 0 && (
              <span className="tag number" title={text.dock.count(open)}>
                {open}
              </span>
            )}
          </a>
        );
      })}
    </nav>
  );
}

function follow(event: MouseEvent, path: string): void {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  navigate(path);
}
