/** What must be asked before it happens: pasting lines, opening a link, copying what a program offers. */

import { Button, Group, Modal } from "@mantine/core";
import { text } from "../text";
import { useFocusBack } from "./focusBack";
import type { TerminalSession } from "./session";
import { lineCount } from "./untrusted";
import type { View } from "./view";

const words = text.terminal;

interface QuestionProps {
  title: string;
  explanation: string;
  content: string;
  confirm: string;
  onConfirm(): void;
  onCancel(): void;
}

function Question({ title, explanation, content, confirm, onConfirm, onCancel }: QuestionProps) {
  useFocusBack();
  return (
    <Modal opened onClose={onCancel} title={title} closeButtonProps={{ "aria-label": text.close }}>
      <p>{explanation}</p>
      <pre className="question-content">{content}</pre>
      <Group justify="flex-end" gap="xs" mt="md">
        <Button variant="default" onClick={onCancel} data-autofocus>
          {text.cancel}
        </Button>
        <Button onClick={onConfirm}>{confirm}</Button>
      </Group>
    </Modal>
  );
}

interface Props {
  view: View;
  session: TerminalSession;
  name: string;
  pasting: string;
  onPaste(accepted: boolean): void;
}

const PREVIEW_CHARACTERS = 2_000;

function preview(content: string): string {
  return content.length > PREVIEW_CHARACTERS ? `${content.slice(0, PREVIEW_CHARACTERS)}…` : content;
}

export function Questions({ view, session, name, pasting, onPaste }: Props) {
  if (pasting)
    return (
      <Question
        title={words.paste.title(lineCount(pasting))}
        explanation={words.paste.text}
        content={preview(pasting)}
        confirm={words.paste.confirm}
        onConfirm={() => onPaste(true)}
        onCancel={() => onPaste(false)}
      />
    );
  if (view.link)
    return (
      <Question
        title={words.link.title}
        explanation={words.link.text}
        content={view.link}
        confirm={words.link.open}
        onConfirm={() => {
          window.open(view.link, "_blank", "noopener,noreferrer");
          session.dismiss("link");
        }}
        onCancel={() => session.dismiss("link")}
      />
    );
  if (view.clipboard)
    return (
      <Question
        title={words.clipboard.title}
        explanation={words.clipboard.text(name, view.clipboard.length)}
        content={preview(view.clipboard)}
        confirm={text.copy}
        onConfirm={() => {
          void navigator.clipboard?.writeText(view.clipboard);
          session.dismiss("clipboard");
        }}
        onCancel={() => session.dismiss("clipboard")}
      />
    );
  return null;
}
