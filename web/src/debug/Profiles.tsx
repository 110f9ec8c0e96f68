/** The profiles as cards, of which one is chosen: arrows move, as between all radio buttons. */

import { text } from "../text";
import { PROFILES, type Profile } from "./choices";
import type { ToolsTarget } from "./form";

const words = text.debug;

interface Props {
  kind: ToolsTarget["kind"];
  value: Profile;
  /** Why none but the plain one can be chosen; empty: each can. */
  why: string;
  onChange(profile: Profile): void;
}

export function Profiles({ kind, value, why, onChange }: Props) {
  return (
    <fieldset className="debug-profiles">
      <legend>{words.profile}</legend>
      {PROFILES[kind].map((profile) => {
        const [title, summary] = words.profiles[kind]?.[profile] ?? [profile, ""];
        const id = `profile-${profile || "plain"}`;
        const refused = why !== "" && profile !== "";
        return (
          <label
            key={profile}
            className="debug-profile"
            data-checked={profile === value || undefined}
            data-refused={refused || undefined}
          >
            <input
              type="radio"
              name="profile"
              value={profile}
              checked={profile === value}
              data-autofocus={profile === value || undefined}
              aria-labelledby={id}
              aria-describedby={`${id}-summary`}
              aria-disabled={refused || undefined}
              onChange={() => refused || onChange(profile)}
            />
            <span>
              <strong id={id}>{title}</strong>
              <span id={`${id}-summary`} className="dim">
                {refused ? why : summary}
              </span>
            </span>
          </label>
        );
      })}
    </fieldset>
  );
}
