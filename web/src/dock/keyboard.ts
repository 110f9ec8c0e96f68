/** How much of the page an on-screen keyboard covers, as the CSS variable --keyboard: the dock and its key bar stay above it. */

export function followKeyboard(): () => void {
  const view = window.visualViewport;
  if (!view) return () => {};
  const follow = (): void => {
    // Where the browser makes the layout smaller itself, nothing is covered. Pinching to zoom is no keyboard.
    const covered = view.scale > 1.01 ? 0 : Math.max(0, window.innerHeight - view.height - view.offsetTop);
    document.documentElement.style.setProperty("--keyboard", `${Math.round(covered)}px`);
  };
  follow();
  view.addEventListener("resize", follow);
  view.addEventListener("scroll", follow);
  return () => {
    view.removeEventListener("resize", follow);
    view.removeEventListener("scroll", follow);
  };
}
