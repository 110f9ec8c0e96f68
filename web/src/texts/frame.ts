/** Texts: The frame around every page, signing in, and words that all pages use. */

export const frame = {
  product: "Podshell",
  skip: "Skip to content",
  nav: {
    label: "Pages",
    clusters: "Clusters",
    pods: "Pods",
    services: "Services",
    nodes: "Nodes",
    sessions: "Sessions",
    open: "open",
  },
  scope: {
    label: "What is shown",
    noNamespace: "No such namespace",
    production: (cluster: string) => `You are looking at ${cluster}. What you do here is real.`,
  },
  nothingHere: "There is no such page",
  nothingHereText: "The address may be mistyped, or the link is of another version.",
  scheme: { label: "Colour scheme", light: "Light", dark: "Dark", auto: "System" },
  user: {
    signedInAs: (name: string) => `Signed in as ${name}`,
    signOut: "Sign out",
    version: (v: string) => `Podshell ${v}`,
  },
  close: "Close",
  cancel: "Cancel",
  retry: "Try again",
  copy: "Copy",
  loading: "Loading",

  signin: {
    working: "Signing in",
    needed: "You are not signed in",
    neededText: "Podshell opens with a one-time link. Open the link that Podshell printed when it started.",
    used: "This link no longer works",
    usedText: "A sign-in link works once and for five minutes. This one has been used, or its time is up.",
    how: "For a new link, press Enter in the terminal where Podshell runs, or start it again, and open the link that it prints:",
    command: "podshell up",
    failed: "Signing in did not work",
    ended: "You are signed out",
    endedText: "Your sign-in has ended. Shells that are open go on; sign in again to come back to them.",
  },
  unreachable: {
    title: "The gateway does not answer",
    text: "The page cannot reach Podshell. Is it still running? Trying again by itself.",
    banner: "No connection to the gateway. What you see may be old; reconnecting.",
  },
};
