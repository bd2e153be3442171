"""Options of the tests of the chart."""


def pytest_addoption(parser):
    parser.addoption("--update-docs", action="store_true", help="write the table of values into docs/kubernetes.md anew")
