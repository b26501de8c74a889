"""Streamlit pages, one file per page, no arithmetic."""
