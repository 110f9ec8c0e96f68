/** The composition root of the console. */

import { MantineProvider } from "@mantine/core";
import "./app/mantine.css";
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { queries } from "./api/queries";
import { App } from "./app/App";
import "./app/app.css";
import { theme } from "./app/theme";
import "./dock/dock.css";
import "./drawer/drawer.css";
import "./logs/logs.css";
import "./pods/choice.css";
import "./pods/pods.css";
import "./terminal/terminal.css";

const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <StrictMode>
      <MantineProvider theme={theme} defaultColorScheme="auto">
        <QueryClientProvider client={queries}>
          <App />
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  );
