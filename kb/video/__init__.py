"""The paper's section 6: do deeper procedure trees help to find a goal's how-to videos?"""
