/** A page or a part of it without content: says why, and what to do. */

import type { ReactNode } from "react";
import { Icon, type IconName } from "./icons";

export function Empty({
  icon,
  title,
  children,
  live,
  page,
}: {
  icon: IconName;
  title: string;
  children?: ReactNode;
  live?: boolean;
  /** It is the whole page: its title is the page's heading. */
  page?: boolean;
}) {
  return (
    <div className="empty" {...(live ? { role: "status" } : {})}>
      <Icon name={icon} size={30} />
      {page ? <h1>{title}</h1> : <h2>{title}</h2>}
      {children}
    </div>
  );
}
