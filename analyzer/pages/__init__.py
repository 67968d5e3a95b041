"""The Streamlit pages, and beside them what they show: pure functions from domain to HTML."""
