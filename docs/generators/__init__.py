"""The reference pages, made from the code that they describe.

    python -m docs.generators        # writes every page

tests/docs/test_generated.py fails while a page is not what its function makes.
"""
