"""Operations on the store: letting go what a restore has put aside."""

from __future__ import annotations

import msgspec

from smsgwd.errors import RequestRefused
from smsgwd.queue.care.aside import WAYS, Some
from smsgwd.web.operations import Answer, Call, Operation

#: rows of one commit
SOME = 500


class LetGo(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be done, and where the call before came to."""

    do: str
    after: int = 0


async def let_go(call: Call) -> Answer:
    """A bounded number of them: the answer says whether there may be more."""
    request = call.read(LetGo)
    if request.do not in WAYS:
        raise RequestRefused("invalid-body", f"`do` is {', '.join(WAYS)}")
    return 200, await call.gateway.queue.let_go(request.do, max(request.after, 0), SOME, call.gateway.clock.now())


OPERATIONS = (
    Operation(method="POST", path="/v1/restored", scope="admin", run=let_go, body=LetGo, answer=Some,
              summary="Let go what a restored backup has put aside: release, cancel, replay"),
)  # fmt: skip
