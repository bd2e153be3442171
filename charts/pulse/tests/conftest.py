"""Options of the tests of the chart."""


def pytest_addoption(parser):
    parser.addoption("--update-docs", action="store_true", help="write the table of values into docs/kubernetes.md anew")


def pytest_terminal_summary(terminalreporter):
    from support import CHART

    rules = "yes" if (CHART / "files/alerts.yaml").exists() else "NONE"
    boards = len(list((CHART / "files/dashboards").glob("*.json"))) or "NONE"
    terminalreporter.write_line(f"the chart's own alert rules: {rules}, dashboards: {boards}")
