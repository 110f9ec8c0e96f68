/** The dialogs about one pod; what describes it is loaded when it is first asked for. */

import { lazy, Suspense } from "react";
import { podDialogs, usePodDialogs } from "./actions";
import { DeleteDialog } from "./DeleteDialog";

const DescribeDialog = lazy(() => import("../drawer/DescribeDialog"));

export function PodDialogs() {
  const { deleting, describing } = usePodDialogs();
  return (
    <>
      <DeleteDialog pod={deleting} />
      {describing && (
        <Suspense fallback={null}>
          <DescribeDialog pod={describing} onClose={podDialogs.close} />
        </Suspense>
      )}
    </>
  );
}
