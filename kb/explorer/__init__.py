"""The Streamlit pages of the explorer."""
