"""The functions of `import yt8m_models as yt`, each a thin layer over what a program calls."""
