import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The console is served by the gateway from `/` under a strict content policy: no inline scripts, no data: modules.
export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    chunkSizeWarningLimit: 700,
  },
  test: { environment: "node", include: ["src/**/*.test.ts"], testTimeout: 20_000 },
});
