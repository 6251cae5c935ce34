from app.ingest.load_progress import LoadProgress


def test_progress_shows_what_is_loaded_and_the_share_in_whole_percent() -> None:
    assert LoadProgress("4 h of history", 0.406).text == "loading 4 h of history, 41 %"
