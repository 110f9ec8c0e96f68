/** The one cache of answers. What changes comes by the live socket, so nothing is fetched again by the clock. */

import { QueryClient } from "@tanstack/react-query";
import { ApiFailure } from "./client";

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: Number.POSITIVE_INFINITY,
      refetchOnWindowFocus: false,
      retry: (count, failure) => failure instanceof ApiFailure && failure.unreachable && count < 3,
    },
  },
});
