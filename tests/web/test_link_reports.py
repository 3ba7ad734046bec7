"""What is shown of a link's delivery reports."""

from smsgwd.model import LinkState
from tests.contract.making import report
from tests.web.served import served


async def test_reports_of_a_link(tmp_path):
    """How many came, how many of them match nothing, beside what the running link tells of itself."""
    async with served(tmp_path) as api:
        now = api.clock.now()
        await api.queue.record_link("m1", "modem", "+15550100100", LinkState.UP, "registered", now)
        await api.queue.record_report("m1", report("7"), now)
        api.gateway.roster.describe("m1", {"operator": "Example"})
        _, link = await api.ask("GET", "/v1/links/m1")
        assert link["facts"] == {"reports": 1, "orphans": 1, "orphan_share": "100.0 %", "operator": "Example"}
