/** Where a page fails to load or to draw: it says so in its place, and the rest of the console goes on. */

import { Button } from "@mantine/core";
import { Component, type ReactNode } from "react";
import { text } from "../text";
import { Empty } from "./Empty";

interface Props {
  /** Another one is another page: it gets a try of its own. */
  page: string;
  children: ReactNode;
}

export class Boundary extends Component<Props, { failed: string | null }> {
  override state: { failed: string | null } = { failed: null };

  static getDerivedStateFromError(error: unknown): { failed: string } {
    return { failed: error instanceof Error ? error.message : String(error) };
  }

  override componentDidUpdate(before: Props): void {
    if (before.page !== this.props.page && this.state.failed !== null) this.setState({ failed: null });
  }

  override render(): ReactNode {
    if (this.state.failed === null) return this.props.children;
    return (
      <Empty icon="warning" title={text.broken} live page>
        <p>{text.brokenText}</p>
        <p className="mono">{this.state.failed}</p>
        <Button variant="default" onClick={() => location.reload()}>
          {text.reload}
        </Button>
      </Empty>
    );
  }
}
